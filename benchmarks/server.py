"""A server that is not the bottleneck: sends prepared chunks at full speed or at a rate.

`python -m benchmarks.server`: prints its port, and then a line of JSON per answer that
says when the request came, and when the first and the last chunk were handed on, on the
monotonic clock. The prompt says what to send:

    COUNT chunks at RATE          paragraphs; RATE 0 is full speed
    COUNT lines of code at RATE   one fence
    COUNT rows at RATE            one table
    COUNT formulas at RATE        display formulas between lines with formulas
    COUNT diagrams at RATE        Mermaid flowcharts
    COUNT pictures at RATE        PNG pictures in data URIs, between lines of text
    COUNT kB line at RATE         one line
    COUNT kB as SHAPE by SIZE     one line of that shape (line, word, fence, item, cell,
                                  reasoning, arguments), SIZE characters a chunk, at full speed
    COUNT choices at RATE         as many choices at once, 2,000 chunks each
    COUNT calls at RATE           as many calls of the tool `calculate`; its results are answered
                                  with a word
    say WORD                      that word

The last chunk of a text holds LAST.
"""

import asyncio
import base64
import json
import random
import re
import struct
import time
import zlib
from collections.abc import Iterable, Iterator

from benchmarks.responses import response_frames

WORDS = "The *quick* brown fox, `x = 1`, jumps over **lazy** dogs. "
LAST = "LASTTEXT"
_ORDER = re.compile(
    rb"(\d+) (chunks|lines of code|rows|formulas|diagrams|pictures|kB line|choices|calls) at (\d+)"
    rb"|say (\w+)"
)
_SHAPE = re.compile(rb"(\d+) kB as (\w+) by (\d+)")
_OPENINGS = {"fence": "```text\n", "item": "- ", "cell": "| n | text |\n|--|--|\n| 1 | "}
_TOLD = b'"role":"tool"'
DONE = b"data: [DONE]\n\n"
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def paragraphs(length: int) -> str:
    """Markdown of at least that many characters."""
    text = ""
    while len(text) < length:
        text += WORDS * 8 + "\n\n"
    return text


def text_of(kind: str, count: int) -> str:
    """What an order asks for."""
    match kind:
        case "chunks":
            return paragraphs(count * 4)[: count * 4]
        case "lines of code":
            body = "".join(f"    total += rows[{n}].value  # line {n}\n" for n in range(count))
            return f"```python\n{body}```\n"
        case "rows":
            body = "".join(f"| {n} | name {n} | {n * 7} | `ok` |\n" for n in range(count))
            return f"| n | name | amount | state |\n|--:|---|--:|---|\n{body}"
        case "formulas":
            return "".join(
                f"For $x_{{{n}}}^2$ and $n = {n}$:\n\n$$\n\\sum_{{i=1}}^{{{n}}} "
                f"\\frac{{x_i + {n}}}{{\\sqrt{{y_{{{n}}}}}}}\n$$\n\n"
                for n in range(count)
            )
        case "diagrams":
            return "".join(
                f"```mermaid\ngraph TD\n  A[Start {n}] --> B{{Good?}}\n  B -->|yes| C\n"
                "  B -->|no| D\n  D --> C\n```\n\n"
                for n in range(count)
            )
        case "pictures":
            encoded = (base64.b64encode(png(n)).decode() for n in range(count))
            return "".join(
                f"Look:\n\n![{n}](data:image/png;base64,{one})\n\n" for n, one in enumerate(encoded)
            )
    return (WORDS * (count * 1000 // len(WORDS) + 1))[: count * 1000]


def png(seed: int) -> bytes:
    """A picture of 48x48 pixels in random colours, about 7 kB."""
    pixels = random.Random(seed).randbytes(48 * 48 * 3)
    lines = b"".join(b"\0" + pixels[at : at + 144] for at in range(0, len(pixels), 144))
    header = struct.pack(">IIBBBBB", 48, 48, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def frame(content: str | None, index: int = 0, finish: str | None = None) -> bytes:
    """One chunk of a choice, as a frame."""
    return framed({} if content is None else {"content": content}, index, finish)


def framed(delta: dict[str, object], index: int = 0, finish: str | None = None) -> bytes:
    """One chunk of a choice with that delta, as a frame."""
    chunk = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "bench",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": index,
                "delta": delta,
                "logprobs": None,
                "finish_reason": finish,
            }
        ],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def frames(body: bytes, *, is_response: bool) -> tuple[Iterable[bytes], int]:
    """What the last order of a request asks for, and how many a second. The Responses API has
    only texts in pieces of four characters.
    """
    shapes = _SHAPE.findall(body)
    if shapes:
        count, shape, size = shapes[-1]
        return one_line(int(count) * 1000, shape.decode(), int(size)), 0
    order = [*_ORDER.finditer(body)][-1:]
    number, kind, rate, word = order[0].groups() if order else (b"10", b"chunks", b"0", None)
    if kind == b"calls":
        if body.rfind(_TOLD) > order[0].start():
            word = b"Calculated"
        else:
            return [*calls(int(number)), frame(None, finish="tool_calls"), DONE], int(rate)
    if word is not None:
        return [frame(word.decode()), *ending(1)], 0
    if kind == b"choices":
        return [*many_choices(int(number)), *ending(int(number))], int(rate)
    text = text_of(kind.decode(), int(number))
    pieces = (text[at : at + 4] for at in range(0, len(text), 4))
    if is_response:
        return [*response_frames([*pieces, f"\n\n{LAST}"])], int(rate)
    made = [frame(piece) for piece in pieces]
    return [*made, frame(f"\n\n{LAST}"), *ending(1)], int(rate)


def one_line(length: int, shape: str, size: int) -> Iterator[bytes]:
    """A line of that many characters, as a part of a reply that has no bounds of its own."""
    words = "abcdefghi" if shape == "word" else WORDS
    piece = words * (size // len(words) + 1)
    if shape in _OPENINGS:
        yield frame(_OPENINGS[shape])
    for at in range(0, length, size):
        text = piece[at % len(words) :][:size]
        if shape == "reasoning":
            yield framed({"reasoning_content": text})
        elif shape == "arguments":
            yield framed({"tool_calls": [_call_piece(text, is_first=at == 0)]})
        else:
            yield frame(text)
    yield frame(f"\n\n{LAST}")
    yield from ending(1)


def _call_piece(text: str, *, is_first: bool) -> dict[str, object]:
    if not is_first:
        return {"index": 0, "function": {"arguments": text}}
    function = {"name": "write", "arguments": '{"text": "' + text}
    return {"index": 0, "id": "call_1", "type": "function", "function": function}


def calls(count: int) -> Iterator[bytes]:
    """Calls of the tool that calculates."""
    for index in range(count):
        function = {"name": "calculate", "arguments": json.dumps({"expression": f"{index} + 1"})}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield framed({"tool_calls": [call]})


def many_choices(count: int) -> Iterator[bytes]:
    """Choices that grow side by side."""
    text = paragraphs(8_000)[:8_000]
    for at in range(0, 8_000, 4):
        for index in range(count):
            yield frame(text[at : at + 4], index)
    for index in range(count):
        yield frame(f"\n\n{LAST}", index)


def ending(choices: int) -> list[bytes]:
    """Why each choice stopped, and the marker."""
    stops = [frame(None, index, "stop") for index in range(choices)]
    return [*stops, DONE]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection after another request."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            came_s = time.monotonic()
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith(b"GET"):
                await answer_models(writer, 500 if b"/many/" in head.split(b"\r\n")[0] else 1)
            else:
                is_response = b"/responses" in head.split(b"\r\n")[0]
                first_s, last_s = await answer_chat(writer, body, is_response=is_response)
                times = {"came": came_s, "first": first_s, "last": last_s}
                print(json.dumps(times), flush=True)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def answer_models(writer: asyncio.StreamWriter, count: int) -> None:
    """A list of models; a base URL with `many` has a long one."""
    names = ["bench", *(f"vendor-{number % 40}/model-{number:03}" for number in range(1, count))]
    data = [{"id": name, "object": "model"} for name in names]
    body = json.dumps({"object": "list", "data": data}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    await writer.drain()


async def answer_chat(
    writer: asyncio.StreamWriter, body: bytes, *, is_response: bool
) -> tuple[float, float]:
    """Stream what the last message asks for; when its first and last chunk were handed on."""
    prepared, rate = frames(body, is_response=is_response)
    writer.write(_HEAD)
    loop = asyncio.get_running_loop()
    start = loop.time()
    first_s = time.monotonic()
    for number, each in enumerate(prepared):
        if rate:
            delay = start + number / rate - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
        writer.write(b"%x\r\n%s\r\n" % (len(each), each))
        if number % 64 == 0 or rate:
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return first_s, time.monotonic()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
