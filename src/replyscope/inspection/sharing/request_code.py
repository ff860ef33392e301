"""The request of an exchange as a command or a program that sends it again.

The key is never in it: both read OPENAI_API_KEY.
"""

import json
import shlex
from typing import Any

from replyscope.domain.event import RequestSent
from replyscope.domain.json_text import indented, read_json
from replyscope.domain.shared import Clean

_KEPT = ("openai-organization", "openai-project", "content-type")


def as_curl(request: RequestSent, clean: Clean) -> str:
    """A shell command."""
    body = clean(_laid_out(request.body))
    lines = [f"curl {shlex.quote(clean(request.url))}"]
    lines += ['  -H "Authorization: Bearer $OPENAI_API_KEY"']
    lines += [
        f"  -H {shlex.quote(f'{name}: {clean(value)}')}"
        for name, value in request.headers
        if name.lower() in _KEPT
    ]
    lines.append(f"  --no-buffer -d {shlex.quote(body)}")
    return " \\\n".join(lines) + "\n"


def _laid_out(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    try:
        return indented(read_json(text))
    except ValueError:
        return text


def as_python(request: RequestSent, clean: Clean) -> str:
    """A program for the official SDK."""
    try:
        body = read_json(clean(request.body.decode("utf-8", errors="replace")))
    except ValueError:
        body = {}
    api = "responses" if request.url.rstrip("/").endswith("/responses") else "chat.completions"
    base_url = clean(request.url).removesuffix("/responses").removesuffix("/chat/completions")
    arguments = "".join(f"    {name}={_literal(value)},\n" for name, value in body.items())
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={_literal(base_url)})  # the key: OPENAI_API_KEY\n"
        f"reply = client.{api}.create(\n{arguments})\n"
        + ("for event in reply:\n    print(event)\n" if body.get("stream") else "print(reply)\n")
    )


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
