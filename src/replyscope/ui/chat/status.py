"""The status line: model, provider, API and usage."""

from dataclasses import dataclass

from textual.content import Content
from textual.widgets import Static

from replyscope.domain.printable import printable_line
from replyscope.inspection.figures import UNKNOWN, count, dollars


@dataclass(frozen=True, slots=True)
class Status:
    """The values of the status line. Tokens are sums over the session's replies."""

    model: str | None = None
    endpoint: str | None = None
    api: str | None = None
    context_used: int | None = None
    context_window: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    note: str = ""


class StatusLine(Static):
    """One line under the composer."""

    _status = Status()

    def show(self, status: Status) -> None:
        """Draw a status."""
        self._status = status
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        """Draw the parts that fit the width; the last parts are omitted first."""
        status = self._status
        parts = [
            *([printable_line(status.note)] if status.note else []),
            printable_line(status.model or "no model"),
            printable_line(status.endpoint or "no provider"),
            status.api or UNKNOWN,
            f"ctx {_context(status)}",
            f"{count(status.tokens)} tok",
            *([dollars(status.cost_usd)] if status.cost_usd is not None else []),
        ]
        text = Content(" · ".join(parts))
        while len(parts) > 1 and text.cell_length > self.content_size.width > 0:
            parts.pop()
            text = Content(" · ".join(parts))
        self.update(text, layout=False)


def _context(status: Status) -> str:
    if status.context_used is None:
        return UNKNOWN
    if status.context_window:
        share = status.context_used / status.context_window
        bars = "▁▂▃▄▅▆▇█"
        return f"{bars[min(len(bars) - 1, int(share * len(bars)))]} {100 * share:.0f}%"
    return count(status.context_used)


def keeping_note(*, is_private: bool, is_saving: bool) -> str:
    """The first part of the line for a session that is not saved."""
    return "private" if is_private else "" if is_saving else "not saved"
