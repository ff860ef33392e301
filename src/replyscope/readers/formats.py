"""The registry of import formats. If two formats recognise a file, the first one reads it."""

from replyscope.domain.import_format import Format
from replyscope.readers.chatgpt import CHATGPT
from replyscope.readers.claude_ai import CLAUDE_AI
from replyscope.readers.claude_code import CLAUDE_CODE
from replyscope.readers.codex import CODEX
from replyscope.readers.elia import ELIA
from replyscope.readers.gemini_cli import GEMINI_CLI, GEMINI_CLI_JSON
from replyscope.readers.langfuse import LANGFUSE, LANGFUSE_CSV
from replyscope.readers.librechat import LIBRECHAT
from replyscope.readers.llm import LLM
from replyscope.readers.open_webui import OPEN_WEBUI
from replyscope.readers.openai_log import OPENAI_LOG
from replyscope.readers.opencode import OPENCODE, OPENCODE_FILES
from replyscope.readers.oterm import OTERM
from replyscope.readers.replyscope_json import REPLYSCOPE
from replyscope.readers.sse import SSE
from replyscope.readers.takeout import TAKEOUT, TAKEOUT_HTML, TAKEOUT_WORKSPACE

FORMATS: tuple[Format, ...] = (
    REPLYSCOPE,
    CLAUDE_CODE,
    CODEX,
    GEMINI_CLI,
    GEMINI_CLI_JSON,
    OPENCODE,
    OPENCODE_FILES,
    CLAUDE_AI,
    CHATGPT,
    TAKEOUT,
    TAKEOUT_HTML,
    TAKEOUT_WORKSPACE,
    OPEN_WEBUI,
    LIBRECHAT,
    LLM,
    ELIA,
    OTERM,
    LANGFUSE,
    LANGFUSE_CSV,
    OPENAI_LOG,
    SSE,
)
