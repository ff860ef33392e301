"""The cells of a tool call: its line, and the first lines of its result."""

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from replyscope.domain.exchange import ToolCall
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, printable_text
from replyscope.domain.tool import ToolCallState
from replyscope.inspection.arguments import one_line
from replyscope.inspection.figures import seconds
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.markdown.wrap import to_strip, wrap
from replyscope.ui.transcript.cells import Cell, text_cell
from replyscope.ui.transcript.details import call_details

_MOST_ARGUMENTS = 20_000
_MOST_PREVIEW = 4_000
_PREVIEW_LINES = 2
_LEAST_ARGUMENTS = 12
_ENDINGS = {
    ToolCallState.ASSEMBLING: "…",
    ToolCallState.REQUESTED: "",
    ToolCallState.RUNNING: "running…",
    ToolCallState.COMPLETED: "✓",
    ToolCallState.FAILED: "✗ failed",
    ToolCallState.REFUSED: "✗ refused",
    ToolCallState.INTERRUPTED: "✗ interrupted",
}


def call_cells(call: ToolCall, palette: Palette, click: Style, *, is_unfolded: bool) -> list[Cell]:
    """The cells of a call. Unfolded, its arguments and its whole result are shown."""
    arguments = one_line(call.arguments[:_MOST_ARGUMENTS], 400)

    def draw(width: int, palette: Palette) -> list[Strip]:
        lines = _call_lines(call, arguments, width, palette, shows_result=not is_unfolded)
        for line in lines:
            line.stylize(click)
        return [to_strip(line) for line in lines]

    cells = [Cell(draw, 1)]
    if is_unfolded:
        cells.append(text_cell(call_details(call, palette), indent=2))
    return cells


def _call_lines(
    call: ToolCall, arguments: str, width: int, palette: Palette, *, shows_result: bool
) -> list[Text]:
    """The line of a call, and of a result that does not fit on it the first two lines."""
    result = printable_text((call.result or "")[:_MOST_PREVIEW]).strip() if shows_result else ""
    name = exact_line(call.name)
    ending = _ending(call, palette)
    room = width - cell_len(name) - ending.cell_len - 4
    fits = bool(result) and "\n" not in result and len(call.result or "") <= _MOST_PREVIEW
    fits = fits and cell_len(result) + 3 <= room - min(_LEAST_ARGUMENTS, cell_len(arguments))
    inline = f" → {result}" if fits else ""
    line = Text("⚙ ", palette.marker).append(name, palette.name)
    line.append(f"({_cut(arguments, room - cell_len(inline))})", palette.muted)
    line.append(inline, _result_style(call, palette)).append_text(ending)
    line.truncate(width, overflow="ellipsis")
    return [line] if fits or not result else [line, *_preview(call, result, width, palette)]


def _ending(call: ToolCall, palette: Palette) -> Text:
    """The duration and ending of a call: a mark, and a word unless it succeeded."""
    ending = Text("")
    if call.duration_ms is not None:
        ending.append(f" · {seconds(call.duration_ms)}", palette.muted)
    word = _ENDINGS[call.state]
    if word:
        ending.append(f" {word}", _STYLES.get(call.state, lambda p: p.bad)(palette))
    return ending


_STYLES = {
    ToolCallState.ASSEMBLING: lambda p: p.muted,
    ToolCallState.RUNNING: lambda p: p.live,
    ToolCallState.COMPLETED: lambda p: p.good,
    ToolCallState.REFUSED: lambda p: p.note,
}


def _preview(call: ToolCall, result: str, width: int, palette: Palette) -> list[Text]:
    style = _result_style(call, palette)
    lines = [
        line for text in result.split("\n") for line in wrap(Text(text, style), max(1, width - 4))
    ]
    shown = [
        Text("  → " if number == 0 else "    ", palette.muted).append_text(line)
        for number, line in enumerate(lines[:_PREVIEW_LINES])
    ]
    rest = len(lines) - len(shown)
    if rest > 0 or len(call.result or "") > _MOST_PREVIEW:
        more = plural(rest, "more line") if len(call.result or "") <= _MOST_PREVIEW else "more"
        shown.append(Text(f"    … {more}  [Space]", palette.muted))
    for line in shown:
        line.truncate(width, overflow="ellipsis")
    return shown


def _result_style(call: ToolCall, palette: Palette) -> Style:
    is_fault = call.state in (ToolCallState.FAILED, ToolCallState.INTERRUPTED)
    return palette.bad if is_fault else Style()


def _cut(text: str, room: int) -> str:
    """A text cut to a number of cells."""
    if cell_len(text) <= room:
        return text
    return f"{set_cell_size(text, room - 1)}…" if room > 1 else "…"
