"""The dialog of the parameters of a session: what is set, by whom, and what the server gets."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, OptionList, Static

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.printable import printable_line
from replyscope.domain.session import Parameters
from replyscope.domain.values import dataclass
from replyscope.engine.parameter_layers import Layer, effective, source_of
from replyscope.engine.parameter_state import find_state, request_names
from replyscope.engine.parameter_texts import NOT_SENT, text_of, with_typed
from replyscope.ui.dialogs.dialog import ListDialog, Row
from replyscope.ui.styles.muted import MUTED

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue, Parameter

COMMON = (
    *("max_tokens", "temperature", "reasoning_effort", "verbosity", "stop", "seed"),
    *("service_tier", "tool_choice", "parallel_tool_calls", "logprobs", "extra", "extra_headers"),
)
"""The parameters that are listed without a filter, even if they are not set."""
_LONGEST_HELP = 320
_LONGEST_VALUE = 48


@dataclass(frozen=True, slots=True)
class ParameterSource:
    """The contents of the dialog: the catalogue, the layers below the session, and what the server
    rejected, by the name in the request.
    """

    catalogue: "Catalogue"
    below: tuple[Layer, ...]
    endpoint: Endpoint | None = None
    adaptations: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()
    forget: Callable[[Sequence[str]], Awaitable[None]] | None = None
    """Forgets what the server rejected, by names in the request."""

    @property
    def api(self) -> Api | None:
        """The API of the endpoint."""
        return self.endpoint.api if self.endpoint is not None else None


class ParametersDialog(ListDialog[None]):
    """A modal list of parameters. Enter edits one; `apply` gets the changed parameters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "edit", priority=True),
        Binding("ctrl+s", "close", "done", priority=True),
        Binding("escape", "cancel", "close"),
        Binding("ctrl+o", "inherit", "remove", priority=True),
        Binding("ctrl+r", "forget", "send again", priority=True),
    ]
    SIZE = "tall wide"
    placeholder = "type to find any parameter, or name=value"

    def __init__(
        self, own: Parameters, source: ParameterSource, apply: Callable[[Parameters], None]
    ) -> None:
        super().__init__("Parameters of requests")
        self._own = own
        self._source = source
        self._apply = apply
        self._edited: Parameter | None = None

    def compose_content(self) -> ComposeResult:
        find, rows = super().compose_content()
        yield find
        yield Input(id="value", classes="-hidden", compact=True)
        yield Static("", id="fault", classes="fault")
        yield rows
        yield Static("", id="about")

    @property
    def _layers(self) -> tuple[Layer, ...]:
        return (*self._source.below, Layer("session", self._own))

    def rows(self) -> Sequence[Row]:
        """The parameters that are set, the common ones, and with a filter all."""
        layers = self._layers
        given = effective(layers).given()
        unset = self._own.unset or ()
        every = self._source.catalogue.parameters
        names = [*given, *unset, *COMMON, *(every if self.typed else ())]
        rows = []
        for name in dict.fromkeys(names):
            if name in given:
                value = _cut(printable_line(text_of(given[name])))
                mark = self._mark(every.get(name))
                text = f"{value} · {source_of(name, layers)}{mark}"
            elif name in unset:
                text = "not sent · session"
            else:
                text = _cut(every[name].phrase(self._source.api)) if name in every else ""
            rows.append(Row(name, name, text, "• " if name in (*given, *unset) else "  "))
        return rows

    def _mark(self, parameter: "Parameter | None") -> str:
        """The end of a row: the parts of the parameter that the model is known to reject."""
        known = self._source.adaptations
        if parameter is None or not known:
            return ""
        state = find_state(parameter, self._layers, self._source.endpoint, known)
        return f" · {state.mark}" if state.mark else ""

    def fill(self, highlighted: str | None = None) -> None:
        """Draw the rows; without one, say which parameters are near the typed name."""
        super().fill(highlighted)
        about = self.query_one("#about", Static)
        if self.highlighted is None:
            try:
                self._source.catalogue.find(self.typed)
            except ReplyscopeError as error:
                about.update(Content(printable_line(str(error))))

    def filter_changed(self) -> None:
        """Draw the rows for the changed filter; a parameter of that very name is highlighted."""
        self.fill(self.typed)

    @property
    def typed(self) -> str:
        """The text of the filter: the name, if `name=value` is typed."""
        return self.query_one(Input).value.partition("=")[0].strip()

    @on(OptionList.OptionHighlighted)
    def _describe(self, event: OptionList.OptionHighlighted) -> None:
        parameter = self._source.catalogue.parameters.get(event.option_id or "")
        text = _about(parameter, self._source, self._layers) if parameter else ""
        self.query_one("#about", Static).update(text)
        self.refresh_bindings()

    def action_accept(self) -> None:
        """Edit the highlighted parameter, set a typed `name=value`, or keep the edited value."""
        name, equals, value = self.query_one(Input).value.partition("=")
        if self._edited is not None:
            self._set(self._edited.name, self.query_one("#value", Input).value)
        elif equals:
            self._set(name.strip(), value.strip())
        elif self.highlighted is not None:
            self._edit(self.highlighted)
        elif self.typed:
            self._set(self.typed, "")

    def _set(self, name: str, text: str) -> None:
        """Use a typed value, or show the mistake."""
        try:
            self._own = with_typed(self._own, self._source.catalogue, name, text, self._source.api)
        except ReplyscopeError as error:
            self.query_one("#fault", Static).update(Content(printable_line(str(error))))
            return
        self._apply(self._own)
        self._end_edit()
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self.fill(name)
        changed = self._source.catalogue.find(name).name
        said = Content.styled(_confirmation(changed, self._layers), "$text-success")
        self.query_one("#fault", Static).update(said)

    def _edit(self, name: str) -> None:
        """Show the line in which a value is edited."""
        try:
            parameter = self._source.catalogue.find(name)
        except ReplyscopeError as error:  # of a session that another version saved
            self.query_one("#fault", Static).update(Content(printable_line(str(error))))
            return
        self._edited = parameter
        value = self.query_one("#value", Input)
        own = self._own.given().get(parameter.name)
        is_unset = parameter.name in (self._own.unset or ())
        value.value = NOT_SENT if is_unset else text_of(own)
        value.placeholder = "empty: the provider's value; null: not sent"
        value.suggester = SuggestFromList(parameter.words(self._source.api))
        value.remove_class("-hidden")
        value.focus()
        self.query_one("#fault", Static).update("")

    def _end_edit(self) -> None:
        self._edited = None
        self.query_one("#value", Input).add_class("-hidden")
        self.query_one("#fault", Static).update("")
        self.query_one(Input).focus()

    def action_inherit(self) -> None:
        """Remove the session's value of the highlighted parameter."""
        if self.highlighted is not None:
            self._set(self.highlighted, "")

    def action_forget(self) -> None:
        """Send the highlighted parameter again, although the server rejected it before."""
        self.start_work(self._forget, self.highlighted, self._rejected(), group="forget")

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is available: sending again only what was rejected."""
        return action != "forget" or bool(self._rejected())

    def _rejected(self) -> list[str]:
        """The names in the request of the highlighted parameter that the server rejects."""
        known = self._source.adaptations or {}
        if not known or not self.query(OptionList):  # it is asked before there is a list
            return []
        parameter = self._source.catalogue.parameters.get(self.highlighted or "")
        names = request_names(parameter, self._source.endpoint) if parameter else ()
        return [name for name in names if name in known]

    async def _forget(self, parameter: str, names: Sequence[str]) -> None:
        if self._source.forget is None:
            return
        try:
            await self._source.forget(names)
        except ReplyscopeError as error:
            self.tell(error)
            return
        known = self._source.adaptations or {}
        left = {name: one for name, one in known.items() if name not in names}
        self._source = replace(self._source, adaptations=left, notes=())
        self.fill(parameter)

    def action_cancel(self) -> None:
        """End the editing of a value, else close the dialog."""
        if self._edited is not None:
            self._end_edit()
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Keep the edited value, and close the dialog."""
        if self._edited is not None:
            self._set(self._edited.name, self.query_one("#value", Input).value)
        if self._edited is None:
            self.dismiss(None)


def _about(parameter: "Parameter", source: ParameterSource, layers: Sequence[Layer]) -> Content:
    """The documentation, what is allowed, and what the server gets or rejected."""
    known, endpoint = source.adaptations or {}, source.endpoint
    state = find_state(parameter, layers, endpoint, known, source.notes)
    phrase = parameter.phrase(endpoint.api if endpoint is not None else None)
    lines = [
        Content.styled(printable_line(parameter.help)[:_LONGEST_HELP], MUTED),
        Content(f"allowed: {printable_line(phrase)}"),
        *(Content(printable_line(line)) for line in state.sent),
        *(Content.styled(printable_line(line), "$text-warning") for line in state.rejected),
    ]
    return Content("\n").join(lines)


def _confirmation(name: str, layers: Sequence[Layer]) -> str:
    """A sentence about the value of a parameter in the next request."""
    merged = effective(layers)
    given = merged.given()
    if name in given:
        text = f"{name} is {_cut(text_of(given[name]))} ({source_of(name, layers)})"
    elif name in (merged.unset or ()):
        text = f"{name} is not sent"
    else:
        text = f"{name} is the server's default"
    return printable_line(f"{text}, from the next message.")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
