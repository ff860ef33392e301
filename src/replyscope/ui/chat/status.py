"""The status line: the mode, the model, its server and API, and usage."""

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.values import dataclass
from replyscope.inspection.figures import dollars
from replyscope.ui.styles.muted import MUTED

_GAP = " · "
_HUB = "hub: "
_SYNCED = f"{_HUB}synced"


@dataclass(frozen=True, slots=True)
class Status:
    """The values of the status line. Tokens are sums over the session's replies; `tools` and
    `parameters` are numbers; `model_key` is the key that chooses a model.
    """

    model: str | None = None
    endpoint: str | None = None
    api: str | None = None
    context_used: int | None = None
    context_window: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    tools: int = 0
    parameters: int = 0
    schema: str | None = None
    note: str = ""
    activity: str = ""
    """What a turn waits for before its request is sent."""
    watch: str = ""
    """The address of the watch, and the number of its calls; empty without a watch."""
    hub: str = ""
    """The state of the hub in words; empty without a hub."""
    model_key: str = "F2"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the line. Of parts that do not fit, those with the least `worth` are shortened
    to `short`, and then omitted.
    """

    text: Content
    worth: int
    short: Content | None = None


class StatusLine(Static):
    """One line under the composer."""

    _status = Status()
    _mode = ""
    _drawn: object = None

    def show(self, status: Status) -> None:
        """Draw a status."""
        self._status = status
        self._draw()

    def show_mode(self, word: str) -> None:
        """Draw the word of the mode, at the left."""
        self._mode = word
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        look = (self._status, self._mode, self.content_size.width)
        if self._drawn != look:
            self._drawn = look
            self.update(status_line(*look), layout=False)


def status_line(status: Status, mode: str, width: int) -> Content:
    """The parts that fit a width in cells, in their order, after the word of the mode."""
    head = Content.styled(mode, "bold $text-primary")
    room = width - (head.cell_length + 2 if mode else 0)
    parts = _parts(status)
    while len(parts) > 1 and width > 0 and _length(parts) > room:
        index = min(range(len(parts)), key=lambda place: parts[place].worth)
        part = parts[index]
        parts[index : index + 1] = [_Part(part.short, part.worth)] if part.short else []
    line = Content(_GAP).join(part.text for part in parts)
    return Content("  ").join([head, line]) if mode else line


def _length(parts: list[_Part]) -> int:
    return sum(part.text.cell_length for part in parts) + len(_GAP) * (len(parts) - 1)


def _parts(status: Status) -> list[_Part]:
    parts = [_Part(Content.styled(printable_line(status.note), "$text-warning"), 9)]
    parts.append(_Part(Content.styled(status.activity, "$text-warning"), 10))
    if status.model is None and not status.activity:
        parts.append(_Part(_command(f"Choose a model ({status.model_key})", "model"), 10))
    elif status.model is not None:
        parts.append(_Part(Content(printable_line(status.model)), 10))
    parts.append(_Part(Content(printable_line(status.endpoint or "")), 8))
    parts.append(_Part(Content(status.api or ""), 1))
    parts += [_Part(Content(text), worth) for text, worth in _usage(status)]
    parts += [_Part(_command(text, name), worth) for text, name, worth in _request(status)]
    parts.append(_Part(_command(printable_line(status.watch), "watch"), 9))
    parts.append(_hub(status.hub))
    return [part for part in parts if part.text]


def _hub(words: str) -> _Part:
    """The state of the hub. One that needs somebody stays longer than the tokens and the cost."""
    is_fine = words.startswith(_SYNCED)
    style = MUTED if is_fine else "$text-warning"
    text = Content.styled(printable_line(words), style)
    return _Part(text, 4, text[len(_HUB) :]) if is_fine else _Part(text, 6)


def _command(text: str, name: str) -> Content:
    """A text that runs a command when it is clicked."""
    return Content(text).stylize(Style.from_meta({"@click": f"screen.run({name!r})"}))


def _request(status: Status) -> list[tuple[str, str, int]]:
    """The tools, parameters and schema of the next request, each with its command."""
    parts = []
    if status.tools:
        parts.append((plural(status.tools, "tool"), "tools", 3))
    if status.parameters:
        parts.append((plural(status.parameters, "parameter"), "params", 2))
    if status.schema:
        parts.append((printable_line(f"schema {status.schema}"), "schema", 3))
    return parts


def usage_parts(status: Status) -> list[str]:
    """The known values among the context, the tokens and the cost of a session."""
    return [text for text, _ in _usage(status)]


def _usage(status: Status) -> list[tuple[str, int]]:
    parts = []
    if status.context_used is not None:
        share = ""
        if status.context_window:
            share = f"{_GAP}{100 * status.context_used / status.context_window:.0f}%"
        parts.append((f"context {status.context_used:,}{share}", 7))
    if status.tokens:
        parts.append((f"session {status.tokens:,} tokens", 4))
    if status.cost_usd is not None:
        parts.append((dollars(status.cost_usd), 5))
    return parts


def keeping_note(*, is_private: bool, is_saving: bool) -> str:
    """The first part of the line for a session that is not saved."""
    return "private" if is_private else "" if is_saving else "not saved"
