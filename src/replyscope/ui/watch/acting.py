"""The actions on calls: open, take over, compare, replay, copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message
from replyscope.domain.shared import ExchangeForm
from replyscope.engine.watching.call_log import LoggedCall
from replyscope.inspection.siblings import Reply
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.reading.reply_screens import ReplyScreens
from replyscope.ui.reading.source import StoredSource
from replyscope.ui.services import Services
from replyscope.ui.watch.desk import WatchDesk
from replyscope.ui.working_screen import WorkingScreen

_FORMS = (
    (ExchangeForm.CURL.value, "the request as a command"),
    (ExchangeForm.PYTHON.value, "the request as a program with the openai SDK"),
    (ExchangeForm.SSE.value, "the response, frame by frame"),
)
_MARK_TWO = "[Space] mark a call, select another, [c] compare"


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """A call to open in the chat. With `takes_over` the chat continues from it in a new session."""

    session_id: str
    message_id: str
    takes_over: bool = False


def message_of(messages: Sequence[Message], exchange_id: str) -> Message | None:
    """The reply of an exchange in a session."""
    return next((m for m in messages if any(s.exchange_id == exchange_id for s in m.sources)), None)


class CallCommands:
    """The commands of the highlighted call, and of two marked ones."""

    def __init__(
        self, screen: WorkingScreen[OpenedCall | None], services: Services, desk: WatchDesk
    ) -> None:
        self._screen = screen
        self._services = services
        self._desk = desk
        self._stored = StoredSource(services)
        self._screens = ReplyScreens(screen, services, self._stored)

    def open(self, *, takes_over: bool = False) -> None:
        """Close the screen, and open the call's session in the chat."""
        call = self._ended() if takes_over else self._desk.recorded()
        if call is not None:
            self._desk.start_work(
                self._open, call, takes_over, group="open", exclusive=True, holds_keys=True
            )

    async def _open(self, call: LoggedCall, takes_over: bool) -> None:
        reply = await self._load(call)
        if reply is not None and call.session_id is not None:
            self._screen.dismiss(OpenedCall(call.session_id, reply.id, takes_over))

    def replay(self) -> None:
        """Replay the reply of the call."""
        call = self._ended()
        if call is not None:
            self._desk.start_work(
                self._replay, call, group="review", exclusive=True, holds_keys=True
            )

    def _ended(self) -> LoggedCall | None:
        call = self._desk.recorded()
        if call is not None and call.is_running:
            self._desk.tell("This reply still streams. Wait until it is done.", is_error=False)
            return None
        return call

    async def _load(self, call: LoggedCall) -> Message | None:
        """Load the session of a call. Returns its reply, or reports why there is none."""
        assert call.session_id is not None
        assert call.exchange is not None
        try:
            store = self._services.archive.store_of(call.session_id)
            self._stored.open(await store.load_session(call.session_id))
        except ReplyscopeError as error:
            self._desk.tell(error)
            return None
        session = self._stored.session
        reply = message_of(session.messages, call.exchange.id) if session is not None else None
        if reply is None:
            self._desk.tell("This reply is not in its session any more.")
        return reply

    async def _replay(self, call: LoggedCall) -> None:
        reply = await self._load(call)
        if reply is not None:
            self._stored.tree.go_to(self._stored.tree.tip_under(reply.id))
            self._screens.replay(reply)

    def compare(self) -> None:
        """Compare two marked replies, or the marked and the highlighted one."""
        calls = [self._desk.log.call(call_id) for call_id in self._desk.table.chosen_ids()]
        replies: list[Reply] = [
            (call.exchange, call.exchange.choices[0].index)
            for call in calls
            if call is not None and call.exchange is not None and call.exchange.choices
        ]
        if len(replies) < 2:
            self._desk.tell(_MARK_TWO, is_error=False)
        else:
            self._screens.compare(replies)

    def export(self) -> None:
        """Copy the request or the response of the call as code."""
        call = self._ended()
        if call is not None:
            self._desk.ask_dialog(
                PickDialog("Copy the call as…", _FORMS),
                lambda form: self._desk.start_work(self._copy, call, form, group="copy"),
            )

    async def _copy(self, call: LoggedCall, form: str) -> None:
        export = self._services.export_exchange
        assert call.session_id is not None
        assert call.exchange is not None
        if export is None:
            return
        try:
            text = await export(call.session_id, call.exchange.id, ExchangeForm(form))
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._app.copy_to_clipboard(text)
        self._desk.tell(f"Copied as {form}.", is_error=False)

    def copy_address(self) -> None:
        """Copy the lines that a program's shell needs."""
        address = self._desk.watching.address
        if address is None:
            self._desk.tell("The watch is stopped.", is_error=False)
            return
        self._app.copy_to_clipboard("\n".join(address.variables))
        self._desk.tell(f"Copied: {address.variables[0]}", is_error=False)

    @property
    def _app(self) -> Any:
        return self._screen.app
