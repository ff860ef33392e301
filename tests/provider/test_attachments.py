"""What each kind of attachment is in the requests of both APIs, over the real SDK."""

import base64
import json
from typing import Any

import pytest

from replyscope.domain.exchange import SENDABLE, Api, ExchangeState
from replyscope.domain.message import (
    Attachment,
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    Role,
    TextPart,
)
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from tests.support.attached import pdf, png, wav
from tests.support.build import NOON, Memory, open_chat, run
from tests.support.responses import response
from tests.support.server import Answer, LoopbackServer, error, reply

PNG, WAV, PDF = png(), wav(), pdf(["Hello"])
PAGE = ImagePart("r.pdf page 2.jpg", "image/jpeg", b"\xff\xd8\xff")
TEXT = FilePart("a.py", "x = 1")
IMAGE = ImagePart("i.png", "image/png", PNG)
AUDIO = AudioPart("s.wav", "audio/wav", WAV)
MP3 = AudioPart("s.mp3", "audio/mpeg", b"ID3")
DOCUMENT = DocumentPart("r.pdf", PDF, "[page 1]\nHello", (PAGE,), 2)
OPENAI = "http://api.openai.com/v1"


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64_of(data)}"


PDF_URL = url("application/pdf", PDF)
PDF_TEXT = '<file name="r.pdf">\n[page 1]\nHello\n</file>'
CHAT: list[tuple[str, Attachment, list[dict[str, Any]]]] = [
    ("", TEXT, [{"type": "text", "text": '<file name="a.py">\nx = 1\n</file>'}]),
    ("", IMAGE, [{"type": "image_url", "image_url": {"url": url("image/png", PNG)}}]),
    (
        "",
        AUDIO,
        [{"type": "input_audio", "input_audio": {"data": base64_of(WAV), "format": "wav"}}],
    ),
    (
        "",
        MP3,
        [{"type": "input_audio", "input_audio": {"data": base64_of(b"ID3"), "format": "mp3"}}],
    ),
    (OPENAI, DOCUMENT, [{"type": "file", "file": {"filename": "r.pdf", "file_data": PDF_URL}}]),
    (
        "",
        DOCUMENT,
        [
            {"type": "text", "text": PDF_TEXT},
            {"type": "image_url", "image_url": {"url": url("image/jpeg", PAGE.data)}},
        ],
    ),
]
RESPONSES: list[tuple[Attachment, list[dict[str, Any]]]] = [
    (TEXT, [{"type": "input_text", "text": '<file name="a.py">\nx = 1\n</file>'}]),
    (IMAGE, [{"type": "input_image", "image_url": url("image/png", PNG), "detail": "auto"}]),
    (
        AUDIO,
        [
            {
                "type": "input_text",
                "text": '<file name="s.wav">\n(a recording, which this API does not accept)\n'
                "</file>",
            }
        ],
    ),
    (DOCUMENT, [{"type": "input_file", "filename": "r.pdf", "file_data": PDF_URL}]),
]


def asking(*parts: Attachment) -> ModelRequest:
    message = Message("m1", Role.USER, (*parts, TextPart("What is it?")), NOON)
    return ModelRequest("test-model", (message,))


@pytest.mark.parametrize(("base_url", "part", "wire"), CHAT)
async def test_an_attachment_in_chat_completions(
    server: LoopbackServer,
    clock: Clock,
    base_url: str,
    part: Attachment,
    wire: list[dict[str, Any]],
) -> None:
    # OpenAI's own host is reached through the server, as its proxy.
    proxy = server.base_url.removesuffix("/v1") if base_url else None
    async with open_chat(base_url or server.base_url, clock, proxy=proxy) as provider:
        exchange = await run(provider, asking(part))
    assert exchange.state is ExchangeState.COMPLETED
    (message,) = server.requests[0]["messages"]
    assert message["content"] == [*wire, {"type": "text", "text": "What is it?"}]


@pytest.mark.parametrize(("part", "wire"), RESPONSES)
async def test_an_attachment_in_responses(
    server: LoopbackServer, clock: Clock, part: Attachment, wire: list[dict[str, Any]]
) -> None:
    server.answer = lambda _request: response("a file")
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        exchange = await run(provider, asking(part))
    assert exchange.state is ExchangeState.COMPLETED
    (item,) = server.requests[0]["input"]
    assert item["content"] == [*wire, {"type": "input_text", "text": "What is it?"}]


REJECTIONS = [
    ("Unsupported content type: input_file", "input"),
    ("'type' must be one of 'input_text', 'input_image'", None),
    ("Invalid value: 'file'. Supported values are: 'text', 'image_url'.", "messages[0].content[0]"),
    ("This model does not support PDF documents", None),
    ("Input should be 'text' or 'image_url': unexpected part type", None),
    ("Files are not accepted.", None),
]


@pytest.mark.parametrize("api", SENDABLE)
@pytest.mark.parametrize(("said", "param"), REJECTIONS)
async def test_a_rejected_pdf_is_sent_as_text_and_page_images_and_that_is_remembered(
    server: LoopbackServer, clock: Clock, api: Api, said: str, param: str | None
) -> None:
    def answer(request: dict[str, Any]) -> Answer:
        if "file_data" in json.dumps(request):
            return error(400, said, param=param)
        return response("read") if api is Api.RESPONSES else reply("read")

    server.answer = answer
    memory, proxy = Memory(), server.base_url.removesuffix("/v1")
    async with open_chat(OPENAI, clock, api=api, memory=memory, proxy=proxy) as provider:
        exchange = await run(provider, asking(DOCUMENT))
        again = await run(provider, asking(DOCUMENT))
    assert exchange.choice(0).text == again.choice(0).text == "read"
    assert exchange.adaptations == ("PDF files were rejected; sent as text and page images",)
    assert list(memory.known.values()) == [{"files": "text"}]
    assert ["file_data" in json.dumps(one) for one in server.requests] == [True, False, False]
    assert "[page 1]" in json.dumps(server.requests[1])


OTHERS: list[tuple[str, tuple[Attachment, ...]]] = [
    ("The prompt is too long.", (DOCUMENT,)),
    ("The PDF file is too large: the maximum is 10 MB, not more.", (DOCUMENT,)),
    ("The PDF has more than 100 pages, which is not supported.", (DOCUMENT,)),
    ("The document is not readable: it is encrypted.", (DOCUMENT,)),
    ("Not a valid PDF.", (DOCUMENT,)),
    ("The moderation of your files has found nothing to report, try later.", (DOCUMENT,)),
    ("Invalid image_url: only PNG is supported.", (DOCUMENT, IMAGE)),
    ("Unsupported content type: image_url", (DOCUMENT, IMAGE)),
    ("'type' must be one of 'text'", (DOCUMENT, IMAGE)),
]


@pytest.mark.parametrize(("said", "parts"), OTHERS)
async def test_another_rejection_does_not_change_the_files(
    server: LoopbackServer, clock: Clock, said: str, parts: tuple[Attachment, ...]
) -> None:
    server.answer = lambda _request: error(400, said)
    memory = Memory()
    async with open_chat(server.base_url, clock, api=Api.RESPONSES, memory=memory) as provider:
        exchange = await run(provider, asking(*parts))
    assert exchange.state is ExchangeState.FAILED
    assert not any("files" in known for known in memory.known.values())
    assert len(server.requests) == 1
