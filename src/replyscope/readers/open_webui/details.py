"""Reads the `<details>` blocks of Open WebUI: reasoning, tool calls and code in the text.

The result of a tool call is an attribute, in newer versions the body of the block.
"""

import html
import re
from collections.abc import Iterator

from replyscope.domain.exchange import ToolCall
from replyscope.domain.loose_json import arguments_of, from_json, text_of, unwrapped
from replyscope.domain.tool import ToolCallState
from replyscope.readers.reply_steps import CallIds, CallStep, ReasoningStep, Step, TextStep

CODE = "code_interpreter_call"
"""The kind of a call of the code interpreter, which Open WebUI runs itself."""
_TYPES = ("reasoning", "tool_calls", "code_interpreter")
_VALUE = r"""\s*=\s*(?:"[^"]*"|'[^']*')"""
_OPENING = re.compile(rf"<details\b((?:\s+[\w:-]+(?:{_VALUE})?)*)\s*>", re.IGNORECASE)
_EDGE = re.compile(r"<(/?)details\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_SUMMARY = re.compile(r"\s*<summary\b[^>]*>.*?</summary>\s*", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
_FENCED = re.compile(r"\A```([\w+-]*)\n(.*?)\n?```\Z", re.DOTALL)


def steps_of_text(text: str, ids: CallIds) -> Iterator[Step]:
    """The steps of a reply's text. Blocks of other types stay part of the text."""
    at = 0
    is_split = False
    for opening in _OPENING.finditer(text):
        fields = _attributes(opening[1])
        kind = fields.get("type", "")
        if opening.start() < at or kind not in _TYPES:
            continue
        is_split = True
        yield from _said(text[at : opening.start()])
        end, at = _end_of(text, opening.end())
        if at == len(text) and end == at and kind != "reasoning":
            end = at = opening.end()  # it was never closed: the rest is text
        yield from _block(kind, fields, text[opening.end() : end], ids)
    if not is_split:
        yield from [TextStep(text)] if text else ()
    else:
        yield from _said(text[at:])


def _said(text: str) -> Iterator[TextStep]:
    shown = text.strip("\n")
    if shown.strip():
        yield TextStep(shown)


def _attributes(written: str) -> dict[str, str]:
    return {
        name.lower(): html.unescape(double or single)
        for name, double, single in _ATTRIBUTE.findall(written)
    }


def _end_of(text: str, start: int) -> tuple[int, int]:
    """The ends of the body and of the block. Blocks can be nested."""
    depth = 1
    for edge in _EDGE.finditer(text, start):
        depth += -1 if edge[1] else 1
        if depth == 0:
            return edge.start(), edge.end()
    return len(text), len(text)


def _block(kind: str, fields: dict[str, str], body: str, ids: CallIds) -> Iterator[Step]:
    body = html.unescape(_SUMMARY.sub("", body, count=1)).strip()
    if kind == "reasoning":
        yield from [ReasoningStep(_QUOTED.sub("", body))] if body else ()
    elif kind == "tool_calls":
        yield _tool_call(fields, body, ids)
    else:
        yield _code(fields, body, ids)


def _tool_call(fields: dict[str, str], body: str, ids: CallIds) -> CallStep:
    given = [unwrapped(text) for text in (fields.get("result", ""), body) if text]
    is_done = fields.get("done", "true") != "false"
    result = "\n".join(dict.fromkeys(given)) if given or is_done else None
    call = ToolCall(
        ids.take(fields.get("id", "")),
        "function",
        fields.get("name") or "tool",
        arguments_of(fields.get("arguments", "")),
        ToolCallState.COMPLETED,
    )
    beside = [f"{name}: {fields[name]}" for name in ("files", "embeds") if _has(fields, name)]
    return CallStep(call, result, "\n".join(beside))


def _has(fields: dict[str, str], name: str) -> bool:
    return unwrapped(fields.get(name, "")).strip() not in ("", "null", "[]", "{}")


def _code(fields: dict[str, str], body: str, ids: CallIds) -> CallStep:
    call = code_call(ids.take(fields.get("id", "")), body)
    output = fields.get("output", "")
    value = from_json(output)
    return CallStep(call, code_output(value) if value is not None else output or None)


def code_call(call_id: str, code: str, language: str = "") -> ToolCall:
    """A call of the code interpreter. Code in another language than Python is fenced."""
    fenced = _FENCED.match(code)
    if fenced is not None and not language:
        language, code = fenced[1], fenced[2]
    if language not in ("", "python"):
        code = f"```{language}\n{code}\n```"
    return ToolCall(call_id, CODE, "code_interpreter", code, ToolCallState.COMPLETED)


def code_output(value: object) -> str | None:
    """The output of a run: its streams and its result, with their names."""
    if not isinstance(value, dict):
        return unwrapped(text_of(value)) or None
    said = {name: text_of(one) for name, one in value.items() if one not in (None, "", [], {})}
    if len(said) == 1:
        return next(iter(said.values()))
    return "\n".join(f"{name}: {text}" for name, text in said.items()) or None
