"""Small parts of an entry: tabs, citations, and the details of a tool call."""

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text

from replyscope.domain.exchange import Citation, ToolCall
from replyscope.domain.printable import exact_text, printable_line, printable_text
from replyscope.inspection.arguments import readable_beginning
from replyscope.inspection.explain import Mood
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.cells import Cell, line_cell
from replyscope.ui.transcript.content import Tab

_MOST_TEXT = 20_000
_MOST_TABS = 9


def mood_style(mood: Mood, palette: Palette) -> Style:
    """The style of a finish reason."""
    return {
        Mood.GOOD: palette.good,
        Mood.NOTE: palette.note,
        Mood.BAD: palette.bad,
        Mood.LIVE: palette.live,
    }[mood]


def tab_line(tabs: tuple[Tab, ...], palette: Palette) -> Text:
    """A line with a tab for each sibling, a number and a dot; the shown sibling is reversed."""
    line = Text("")
    if len(tabs) > _MOST_TABS:
        shown = next((n for n, tab in enumerate(tabs, start=1) if tab.is_shown), 0)
        return Text(f"  ‹ {shown} of {len(tabs)} ›", palette.muted)
    for number, tab in enumerate(tabs, start=1):
        click = Style(meta={"@click": ("screen.show_sibling", (tab.key,))})
        style = mood_style(tab.mood, palette) + click
        line.append("  " if number == 1 else " ")
        line.append(f" {number} ● ", style + Style(reverse=tab.is_shown))
    return line


def distinct(citations: Iterable[Citation]) -> list[Citation]:
    """The citations without repeated sources, in their first order."""
    found = {(c.url, c.file_id, c.title): c for c in reversed(list(citations))}
    return list(found.values())[::-1]


def citation_cell(number: int, citation: Citation, palette: Palette, *, gap: bool) -> Cell:
    """A cell of a numbered source; a click opens a web page."""
    url = citation.url
    title = printable_line(citation.title or url or citation.file_id or citation.kind)
    line = Text("")
    line.append(f"[{number}] ", palette.muted)
    if url is None:
        line.append(title)
    else:
        click = Style(meta={"@click": ("screen.open_link", (url,))})
        line.append(title, palette.link + click)
        if citation.title:
            line.append(f"  {printable_line(url)}", palette.muted + click)
    return line_cell(line, gap=gap)


def call_details(call: ToolCall, palette: Palette) -> Text:
    """The id, arguments and result of a call; a patch in the colours of a diff."""
    details = Text("")
    details.append(f"{call.kind} · id {printable_line(call.id)}\n", palette.muted)
    is_patch = call.kind == "apply_patch_call"
    for line in exact_text(readable_beginning(call, _MOST_TEXT)).split("\n"):
        details.append(f"{line}\n", _diff_style(line, palette) if is_patch else Style())
    if call.result:
        details.append("result\n", palette.muted)
        details.append(printable_text(call.result[:_MOST_TEXT]))
    details.rstrip()
    return details


def _diff_style(line: str, palette: Palette) -> Style:
    if line.startswith("+"):
        return palette.good
    return palette.bad if line.startswith("-") else Style()
