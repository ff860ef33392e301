"""The registry of import formats. The order decides where two formats recognise the same."""

from replyscope.domain.import_format import Format
from replyscope.readers.chatgpt import CHATGPT
from replyscope.readers.claude_code import CLAUDE_CODE
from replyscope.readers.codex import CODEX
from replyscope.readers.elia import ELIA
from replyscope.readers.llm import LLM
from replyscope.readers.open_webui import OPEN_WEBUI
from replyscope.readers.oterm import OTERM
from replyscope.readers.replyscope_json import REPLYSCOPE
from replyscope.readers.sse import SSE

FORMATS: tuple[Format, ...] = (
    REPLYSCOPE,
    CHATGPT,
    OPEN_WEBUI,
    LLM,
    ELIA,
    OTERM,
    CLAUDE_CODE,
    CODEX,
    SSE,
)
