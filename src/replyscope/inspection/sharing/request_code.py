"""Converts the request of an exchange to a command or a program that repeats it exactly.

The code never contains the API key; it reads the key from the environment.
"""

import json
import re
import shlex
from pprint import pformat
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from replyscope.domain.event import RequestSent
from replyscope.domain.json_text import read_json
from replyscope.domain.shared import Clean

_OF_THE_CONNECTION = ("accept", "accept-encoding", "connection", "content-length", "host")
_SET_BY_CLIENTS = frozenset(
    {*_OF_THE_CONNECTION, "api-key", "authorization", "cookie", "user-agent", "x-api-key"}
)
_OF_THE_CLIENT = ("openai-organization", "openai-project")
_MASKED = "•••"
_LONGEST_ARGUMENT = 100_000  # close to the limit of systems for one command-line argument
_WIDTH = 92
_BOTH = (
    "metadata model moderation parallel_tool_calls prompt_cache_key prompt_cache_options "
    "prompt_cache_retention safety_identifier service_tier store stream stream_options "
    "temperature tool_choice tools top_logprobs top_p user"
)
_OF_CHAT = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens messages modalities n prediction presence_penalty reasoning_effort "
    "response_format seed stop verbosity web_search_options"
)
_OF_RESPONSES = (
    "access_programs background background_options context_management conversation image include "
    "input instructions max_output_tokens max_tool_calls previous_response_id prompt reasoning "
    "text truncation"
)
_OF_MESSAGES = (
    "max_tokens messages metadata model service_tier stop_sequences stream system temperature "
    "thinking tool_choice tools top_k top_p"
)
_MESSAGES = "/messages"
_KNOWN = {
    _MESSAGES: frozenset(_OF_MESSAGES.split()),
    "/responses": frozenset(f"{_BOTH} {_OF_RESPONSES}".split()),
    "/chat/completions": frozenset(f"{_BOTH} {_OF_CHAT}".split()),
}
"""The parameters of the SDK's `create`; other fields are passed as `extra_body`."""


def as_curl(request: RequestSent, clean: Clean) -> str:
    """A shell command with curl."""
    body = shlex.quote(_body(request, clean))
    is_long = len(body) > _LONGEST_ARGUMENT
    lines = [f"curl {shlex.quote(clean(request.url))}"]
    if request.method != "POST":
        lines.append(f"  -X {shlex.quote(request.method)}")
    lines.append(f'  -H "{_authorization(request)}"')
    kept = [(name, value) for name, value in request.headers if _is_given(name)]
    if request.body and all(name.lower() != "content-type" for name, _ in kept):
        kept.append(("content-type", "application/json"))
    lines += [f"  -H {_curl_header(name, value, clean)}" for name, value in kept]
    if request.body:
        lines.append(f"  --no-buffer {'--data-binary @-' if is_long else f'--data-raw {body}'}")
    head = f"printf %s {body} |\n" if is_long else ""
    return head + " \\\n".join(lines) + "\n"


def _is_given(name: str) -> bool:
    """Whether a header was set for this request, and not by each HTTP client itself."""
    return name.lower() not in _SET_BY_CLIENTS and not name.lower().startswith("x-stainless-")


def _variable(name: str) -> str:
    """The environment variable that holds the masked value of a header."""
    return re.sub(r"\W", "_", name).upper()


def _curl_header(name: str, value: str, clean: Clean) -> str:
    if value == _MASKED:
        return f'{shlex.quote(f"{name}: ")}"${_variable(name)}"'
    return shlex.quote(f"{name}: {clean(value)}")


def _python_headers(request: RequestSent, clean: Clean) -> str:
    """The headers of the request as an argument; an empty text without any."""
    given = [
        f"{_literal(name)}: "
        + (f"os.environ[{_literal(_variable(name))}]" if value == _MASKED
           else _literal(clean(value)))
        for name, value in request.headers
        if _is_given(name) and name.lower() not in (*_OF_THE_CLIENT, "content-type")
    ]  # fmt: skip
    return f"    extra_headers={{{', '.join(given)}}},\n" if given else ""


def _authorization(request: RequestSent) -> str:
    if _has_header(request, "x-api-key"):
        return "x-api-key: $ANTHROPIC_API_KEY"
    if _has_api_key(request):
        return "api-key: $AZURE_OPENAI_API_KEY"
    return "Authorization: Bearer $OPENAI_API_KEY"


def _has_api_key(request: RequestSent) -> bool:
    return _has_header(request, "api-key")


def _has_header(request: RequestSent, wanted: str) -> bool:
    return any(name.lower() == wanted for name, _ in request.headers)


def _body(request: RequestSent, clean: Clean) -> str:
    """The sent body, with its texts redacted."""
    text = request.body.decode("utf-8", errors="replace")
    if clean(text) == text:
        return text
    try:
        return json.dumps(_cleaned(read_json(text), clean), ensure_ascii=False)
    except (ValueError, RecursionError):
        return clean(text)


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one, clean) for one in value]
    if isinstance(value, dict):
        return {name: _cleaned(one, clean) for name, one in value.items()}
    return value


def as_python(request: RequestSent, clean: Clean) -> str:
    """A Python program with the official SDK of the API."""
    try:
        body = read_json(_body(request, clean) or "{}")
    except ValueError:
        body = {}
    url = urlsplit(clean(request.url))
    path = url.path.rstrip("/")
    end = next((end for end in _KNOWN if path.endswith(end)), "")
    path = path.removesuffix(end).removesuffix("/v1" if end == _MESSAGES else "")
    base = urlunsplit((url.scheme, url.netloc, path, "", ""))
    opening = _opening(request, base, dict(parse_qsl(url.query)))
    if end == _MESSAGES:
        opening = _anthropic_opening(request, base)
    if request.method == "GET" and "/responses/" in path:
        base, _, response_id = base.rpartition("/responses/")
        opening = _opening(request, base, {})
        return f"{opening}print(client.responses.retrieve({_literal(response_id)}))\n"
    body = body if isinstance(body, dict) else {}
    names = _KNOWN.get(end, frozenset())
    known = {name: value for name, value in body.items() if name in names}
    extra = {name: value for name, value in body.items() if name not in names}
    if extra:
        known["extra_body"] = extra
    arguments = "".join(f"    {name}={_literal(value)},\n" for name, value in known.items())
    arguments += _python_headers(request, clean)
    api = {"/responses": "responses", _MESSAGES: "messages"}.get(end, "chat.completions")
    last = "for event in reply:\n    print(event)\n" if body.get("stream") else "print(reply)\n"
    return f"{opening}reply = client.{api}.create(\n{arguments})\n{last}"


def _opening(request: RequestSent, base: str, query: dict[str, str]) -> str:
    """The lines that import and create the client."""
    arguments = [f"base_url={_literal(base)}"]
    if query:
        arguments.append(f"default_query={_literal(query)}")
    for name, value in request.headers:
        if name.lower() in _OF_THE_CLIENT:
            arguments.append(f"{name.lower().removeprefix('openai-')}={_literal(value)}")
    note = "  # the key: OPENAI_API_KEY"
    if _has_api_key(request):
        key = 'os.environ["AZURE_OPENAI_API_KEY"]'
        arguments += [f"api_key={key}", f'default_headers={{"api-key": {key}}}']
        note = ""
    is_masked = any(_is_given(name) and value == _MASKED for name, value in request.headers)
    imports = "import os\n\n" if is_masked or _has_api_key(request) else ""
    client = f"client = OpenAI({', '.join(arguments)}){note}"
    return f"{imports}from openai import OpenAI\n\n{client}\n"


def _anthropic_opening(request: RequestSent, base: str) -> str:
    """The lines that import and create the client of Anthropic's SDK."""
    is_masked = any(_is_given(name) and value == _MASKED for name, value in request.headers)
    imports = "import os\n\n" if is_masked else ""
    client = f"client = Anthropic(base_url={_literal(base)})  # the key: ANTHROPIC_API_KEY"
    return f"{imports}from anthropic import Anthropic\n\n{client}\n"


def _literal(value: Any) -> str:
    """The Python literal of a value; a long one is wrapped."""
    if isinstance(value, str):
        is_writable = re.search(r"[\ud800-\udfff]", value) is None
        return json.dumps(value, ensure_ascii=not is_writable) if is_writable else ascii(value)
    text = repr(value)
    if re.search(r"[\ud800-\udfff]", text):
        return ascii(value)
    if len(text) <= _WIDTH:
        return text
    return pformat(value, width=_WIDTH, sort_dicts=False).replace("\n", "\n    ")
