"""The protocols of saved data, one for each kind of data.

Every method may raise StoreError. A write returns when its commit is on disk.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from replyscope.domain.event import RequestSent, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message
from replyscope.domain.remote import RemoteReply, RemoteState
from replyscope.domain.session import Draft, Session, SessionSummary, Shelf, StoredSession
from replyscope.domain.shared import Shared, Taken
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class SessionStamp:
    """The version of a session on disk: equal stamps mean that nothing changed."""

    head_id: str | None
    title: str
    exchanges: int
    open_exchanges: int
    is_deleted: bool = False


class SessionSummaries(Protocol):
    """The summaries of sessions, for lists."""

    async def summarise_session(self, session_id: str) -> SessionSummary:
        """The summary of one session. Raises SessionNotFound."""
        ...


class SessionStore(SessionSummaries, Protocol):
    """Sessions: their heads, and the trees of their messages."""

    @property
    def is_saving(self) -> bool:
        """False for a store in memory, which is lost at exit."""
        ...

    @property
    def is_private(self) -> bool:
        """Whether its sessions are private: no part of the program saves their data."""
        ...

    async def create_session(self, session: Session) -> None:
        """Save a new session."""
        ...

    async def update_session(self, session: Session, before: Session) -> None:
        """Save the fields that differ from `before`: title, settings, draft, branch, deletion.

        The changes of another process in the meantime are kept.
        """
        ...

    async def load_session(self, session_id: str) -> StoredSession:
        """A session with the tree of its messages. Raises SessionNotFound.

        A running tool whose process has died is loaded as interrupted.
        """
        ...

    async def session_stamp(self, session_id: str) -> SessionStamp:
        """A session's stamp, cheap to read. Raises SessionNotFound."""
        ...

    async def is_held_elsewhere(self, session_id: str) -> bool:
        """Whether another live process writes an exchange of this session."""
        ...

    async def find_session_id(self, prefix: str) -> str:
        """The one session id with this prefix. Raises SessionNotFound."""
        ...

    async def list_sessions(
        self,
        *,
        limit: int | None = None,
        pinned_first: bool = False,
        shelf: Shelf = Shelf.LISTED,
    ) -> tuple[SessionSummary, ...]:
        """The sessions of a shelf, newest first."""
        ...

    async def daily_costs(self, since: datetime) -> Mapping[date, float]:
        """The cost in US dollars by local day, reported or estimated; unknown days are left out."""
        ...

    async def next_change(self, seen: int) -> int:
        """The stamp of the archive when it is no longer `seen`: a number that changes with
        every commit of any process. Seen within two seconds.
        """
        ...


class MessageStore(Protocol):
    """Messages of saved sessions."""

    async def add_message(self, session_id: str, message: Message, *, is_head: bool = True) -> None:
        """Save a message; with `is_head` make it the head of its session's branch."""
        ...

    async def push_stash(self, session_id: str, draft: Draft) -> None:
        """Put a draft on the stash of a session."""
        ...

    async def pop_stash(self, session_id: str) -> Draft | None:
        """Remove and return the newest draft of a session's stash; None without one."""
        ...

    async def update_message(self, message: Message) -> None:
        """Save the parts of a message again, with the states of its tools."""
        ...


class WireStore(Protocol):
    """The sent requests and the received frames of exchanges."""

    async def load_wire(self, exchange_id: str) -> WireRecord:
        """The request and the frames of an exchange."""
        ...


class Journal(Protocol):
    """The journal of one live exchange. Writes are committed in order."""

    async def record_request(self, request: RequestSent) -> None:
        """Save the request, byte for byte."""
        ...

    async def append(self, frames: Sequence[WireFrame]) -> None:
        """Append frames."""
        ...

    async def finish(
        self,
        exchange: Exchange,
        frames: Sequence[WireFrame] = (),
        request: RequestSent | None = None,
    ) -> None:
        """Save the last frames, the request if it is not saved yet, and the folded exchange in
        one commit, and release the exchange.
        """
        ...


class ExchangeStore(WireStore, Protocol):
    """Exchanges, each with a journal while it streams."""

    @property
    def writer(self) -> str:
        """The id of this process as a writer."""
        ...

    async def begin_exchange(
        self,
        session_id: str,
        messages: Sequence[Message],
        exchange: Exchange,
        *,
        is_head: bool = True,
    ) -> Journal:
        """Save a new exchange with one message for each of its choices, for this process to write.

        With `is_head` the first message becomes the head.
        """
        ...

    async def reopen_exchange(self, exchange_id: str) -> Journal:
        """Continue the journal of a detached exchange in this process."""
        ...


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An exchange without an ending, whose writer has died."""

    opening: Exchange
    frames: tuple[WireFrame, ...]


class UnfinishedStore(Protocol):
    """Exchanges without an ending, for recovery."""

    async def take_unfinished(self) -> tuple[Unfinished, ...]:
        """Claim and load the exchanges whose writers have died."""
        ...

    async def close_unfinished(self, exchange: Exchange) -> None:
        """Save the ending of a claimed exchange."""
        ...


class RemoteReplyStore(Protocol):
    """The index of replies that providers store."""

    async def list_remote(self) -> tuple[RemoteReply, ...]:
        """Every known response id, newest first."""
        ...

    async def set_remote_state(self, response_id: str, state: RemoteState) -> None:
        """Save the state of a reply at its provider."""
        ...


class AdaptationStore(Protocol):
    """Request parameters that servers reject, with their replacements."""

    async def remembered_adaptations(self, base_url: str, model: str) -> Mapping[str, str]:
        """The replacement of each parameter that a server rejects for a model, by name."""
        ...

    async def remember_adaptation(self, base_url: str, model: str, name: str, value: str) -> None:
        """Save the replacement of one parameter."""
        ...

    async def forget_adaptation(self, base_url: str, model: str, name: str) -> None:
        """Remove the replacement of one parameter."""
        ...


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """A message of the person in a session. `place` orders prompts by the time of their saving;
    an imported one has an earlier `sent_at`.
    """

    place: int
    text: str
    sent_at: datetime
    session_id: str
    title: str


class PromptHistory(Protocol):
    """The input history: sent prompts, and the values of the library's variables."""

    async def add_history(self, text: str) -> None:
        """Append a prompt."""
        ...

    async def load_history(self, limit: int) -> tuple[str, ...]:
        """The newest prompts, oldest first."""
        ...

    async def last_values(self, name: str) -> Mapping[str, str]:
        """The newest values of a prompt's variables."""
        ...


class PromptValues(Protocol):
    """Keeps the values of prompts' variables as long as the session in which they were given."""

    async def remember_values(self, session_id: str, name: str, values: Mapping[str, str]) -> None:
        """Remember the values of a prompt's variables. Long values are left out."""
        ...


class SentPrompts(Protocol):
    """The prompts of all sessions that are not deleted."""

    async def load_prompts(
        self, before: int | None, limit: int
    ) -> tuple[tuple[SentPrompt, ...], int | None]:
        """A page of prompts with a smaller `place`, greatest first, and where the next page
        begins; None at the end.
        """
        ...


class ExportSource(SessionSummaries, WireStore, Protocol):
    """Whole sessions to export."""

    async def find_session_of(self, exchange_id: str) -> str | None:
        """The session that an exchange belongs to; None when there is no such exchange."""
        ...

    async def load_shared(self, session_id: str, *, with_wire: bool) -> Shared:
        """A session with everything that an export contains. Raises SessionNotFound."""
        ...


class ImportTarget(Protocol):
    """Imports whole sessions."""

    async def import_session(
        self, shared: Shared, *, is_dry: bool = False, restores_purged: bool = True
    ) -> Taken:
        """Import a session in one transaction. Without `restores_purged` a session that was
        purged stays so, and counts as known. Raises ImportConflict.
        """
        ...
