"""Lays out the tools tab: each call with its arguments and its result."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from textual.content import Content

from replyscope.domain.exchange import APPROVAL, Choice, OutputItem, ToolCall
from replyscope.domain.message import ToolResultPart
from replyscope.domain.printable import exact_line, exact_text, printable_line, printable_text
from replyscope.domain.tool import ToolCallState, source_words
from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.arguments import pretty_arguments, readable_beginning, readable_result
from replyscope.inspection.figures import seconds, size
from replyscope.inspection.reply_parts import is_call_kind
from replyscope.ui.reading.sheet import Sheet
from replyscope.ui.styles.muted import MUTED

_DIFF = {"+": "$text-success", "-": "$text-error"}
_STATES = {
    ToolCallState.COMPLETED: "$text-success",
    ToolCallState.FAILED: "$text-error",
    ToolCallState.REFUSED: "$text-warning",
    ToolCallState.INTERRUPTED: "$text-error",
    ToolCallState.RUNNING: "$text-accent",
}
_SHOWN_ELSEWHERE = ("message", "reasoning", APPROVAL)
_MOST = 20_000


def tool_sheet(width: int, choice: Choice, results: Mapping[str, ToolResultPart]) -> Content:
    """Each call with its arguments so far, and the items between the calls."""
    sheet = Sheet(width)
    calls = deque(enumerate(choice.tool_calls, start=1))
    parts: list[Content] = []
    for item in choice.items:
        if is_call_kind(item.kind) and calls:
            parts.append(_call(sheet, *calls.popleft(), results))
        elif item.kind not in _SHOWN_ELSEWHERE and not item.kind.endswith(("_call", "_output")):
            parts.append(_item(item))
    parts += [_call(sheet, *call, results) for call in calls]
    if not choice.tool_calls:
        parts.insert(0, Content.styled("This reply has no tool calls.", MUTED))
    elif results:
        parts.append(Content.styled("[T] copy, run again or answer by hand", MUTED))
    return Content("\n\n").join(parts)


def _item(item: OutputItem) -> Content:
    """An item other than a call: a compaction, a list of tools, a program …"""
    rows = [Content.styled(printable_line(item.kind), "$text-primary bold")]
    rows += [line[:400] for line in _indented(pretty_arguments(item.payload[:_MOST]))[:60]]
    return Content("\n").join(rows)


def _call(
    sheet: Sheet, number: int, call: ToolCall, results: Mapping[str, ToolResultPart]
) -> Content:
    part = results.get(call.id)
    rows = [
        Content.styled(f"{number}. {exact_line(call.name)}", "$text-primary bold"),
        sheet.row("id", call.id),
        sheet.row("kind", call.kind),
        sheet.row("state", call.state.value, _STATES.get(call.state, "")),
    ]
    if part is not None:
        rows += _run(sheet, part)
    is_patch = call.kind == "apply_patch_call"
    rows += _exactly(readable_beginning(call, _MOST), is_patch=is_patch)
    if part is not None and part.arguments is not None:
        ran_with = pretty_arguments(part.arguments[:_MOST])
        rows += [Content.styled("ran with", MUTED), *_exactly(ran_with)]
    if part is not None and part.schema:
        problems = check_arguments(part.arguments or call.arguments, part.schema).problems
        rows += [sheet.row("invalid", problem, "$text-error") for problem in problems]
    if call.result:
        rows.append(Content.styled("result", MUTED))
        rows += _indented(readable_result(call.result)[:_MOST])
    if part is not None and part.detail.strip():
        rows.append(Content.styled("log (not sent to the model)", MUTED))
        rows += _indented(part.detail[:_MOST])
    if part is not None and part.schema:
        rows += [Content.styled("schema", MUTED), *_indented(pretty_arguments(part.schema[:_MOST]))]
    return Content("\n").join(rows)


def _run(sheet: Sheet, part: ToolResultPart) -> list[Content]:
    """The source of the tool, who allowed the call, its start and its duration."""
    rows = [sheet.row("source", source_words(part.source))] if part.source else []
    if part.allowed_by:
        is_no = part.state is ToolCallState.REFUSED
        rows.append(sheet.row("refused" if is_no else "allowed", f"by {part.allowed_by}"))
    if part.started_ms is not None:
        started = datetime.fromtimestamp(part.started_ms / 1000, UTC).astimezone()
        rows.append(sheet.row("started", started.strftime("%H:%M:%S")))
        rows.append(sheet.row("duration", seconds(part.duration_ms)))
    rows += [
        sheet.row("file", f"{file.media_type} {size(file.size)} {file.path}") for file in part.files
    ]
    return rows


def _indented(text: str) -> list[Content]:
    return [Content("  " + line) for line in printable_text(text).split("\n")]


def _exactly(text: str, *, is_patch: bool = False) -> list[Content]:
    """Arguments; invisible characters are shown by their codes."""
    return [
        Content.styled("  " + line, _DIFF.get(line[:1], "") if is_patch else "")
        for line in exact_text(text).split("\n")
    ]
