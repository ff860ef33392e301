"""The forms in which attachments are sent, and what an API or a model rejects. Pure."""

import re
from collections.abc import Iterable

from replyscope.domain.endpoint import host_of, takes_files
from replyscope.domain.exchange import Api
from replyscope.domain.message import Attachment, AudioPart, DocumentPart, ImagePart
from replyscope.domain.plural import plural

_TEXT_ONLY = re.compile(
    r"(^|/)(gpt-3\.5|gpt-4(-0613|-32k|-0314)?$|o1-mini|o1-preview|o3-mini|gpt-oss|deepseek-"
    r"(chat|reasoner|v3|r1)|text-|davinci|babbage|codellama|phi-[234](-mini)?$|llama-?3(\.[0-3])?"
    r"(-\d+b)?(-instruct)?$)",
    re.IGNORECASE,
)
"""Models that are known to accept no images. Other names say nothing."""


def form_of(part: Attachment, base_url: str, api: Api, learned: str = "") -> str:
    """The form in which a PDF is sent, as words; empty for other attachments.

    `learned` is the adaptation of `files`: the server rejected PDF files before.
    """
    if not isinstance(part, DocumentPart):
        return ""
    pages = plural(part.page_count, "page")
    if learned != "text" and takes_files(base_url, api):
        return f"{pages}, as PDF"
    if not part.pages:
        return f"{pages}, as text"
    return f"{pages}, as text and {plural(len(part.pages), 'page image')}"


def rejections(
    parts: Iterable[Attachment], base_url: str, api: Api, model: str | None
) -> tuple[str, ...]:
    """Sentences about attachments that the API or the model is known not to accept."""
    said = []
    for part in parts:
        if isinstance(part, AudioPart) and api is Api.RESPONSES:
            said.append(
                f"{part.name}: the Responses API accepts no audio. /api chat sends it to a model "
                "that does."
            )
        elif isinstance(part, AudioPart) and _lacks_audio(base_url, model):
            said.append(f"{part.name}: {model} accepts no audio; gpt-audio does.")
        elif model is not None and _has_images(part, base_url, api) and _TEXT_ONLY.search(model):
            said.append(f"{part.name}: {model} accepts no images.")
    return tuple(said)


def _lacks_audio(base_url: str, model: str | None) -> bool:
    is_openai = host_of(base_url) == "api.openai.com"
    return is_openai and model is not None and "audio" not in model


def _has_images(part: Attachment, base_url: str, api: Api) -> bool:
    if isinstance(part, DocumentPart):
        return bool(part.pages) and not takes_files(base_url, api)
    return isinstance(part, ImagePart)
