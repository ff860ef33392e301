"""A session with all of its data, for imports and exports."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.domain.session import Session, path_to
from replyscope.domain.values import dataclass

SESSION_FORMAT = "replyscope/1"
"""The field `format` in the JSON of a session or of a list of sessions."""


class Form(StrEnum):
    """The forms in which sessions can be exported."""

    MARKDOWN = "md"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


class ExchangeForm(StrEnum):
    """The forms in which a single exchange can be exported."""

    SSE = "sse"
    CURL = "curl"
    PYTHON = "python"


Progress = Callable[[int, int, int], None]
"""Receives the progress of an import or export: the place, the size, and the number of sessions."""


def no_progress(_place: int, _size: int, _sessions: int) -> None:
    """Ignore the progress."""


class Taken(StrEnum):
    """The result of importing a session."""

    NEW = "new"
    GROWN = "grown"
    """A known session to which messages were added."""
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A kind of content that an import leaves out, with the reason and the count."""

    what: str
    why: str
    count: int = 1


Clean = Callable[[str], str]
"""Redacts a text."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A session with its whole tree. `records` are the wire records, if the form has them.

    `left_out` lists the parts of an imported conversation that the session lacks. With `grows` it
    is a piece of a session: parents may be in the store, and known messages and replies are
    replaced. `earlier_head_id` is the last message of the piece before.
    """

    session: Session
    messages: tuple[Message, ...]
    exchanges: Mapping[str, Exchange]
    tags: tuple[str, ...] = ()
    records: Mapping[str, WireRecord] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    grows: bool = False
    earlier_head_id: str | None = None

    @property
    def branch(self) -> list[Message]:
        """The messages of the current branch."""
        return path_to(self.session.head_id, {m.id: m for m in self.messages})

    def results_of(self, message: Message) -> dict[str, ToolResultPart]:
        """The results of the tool calls of a reply, by the id of the call."""
        return self.results().get(message.id, {})

    def results(self) -> dict[str, dict[str, ToolResultPart]]:
        """The results of tool calls, by the id of the reply."""
        found: dict[str, dict[str, ToolResultPart]] = {}
        for child in self.messages:
            for part in child.parts:
                if isinstance(part, ToolResultPart) and child.parent_id is not None:
                    found.setdefault(child.parent_id, {})[part.call_id] = part
        return found

    def detours(self) -> dict[str | None, list[list[Message]]]:
        """The messages of other branches, as paths of messages.

        The key is the id of the parent on the branch, None for a separate conversation. A path that
        forks off another path follows it.
        """
        shown = {message.id for message in self.branch}
        known = {message.id for message in self.messages}
        children: dict[str | None, list[Message]] = {}
        for message in self.messages:
            parent = message.parent_id if message.parent_id in known else None
            children.setdefault(parent, []).append(message)
        found: dict[str | None, list[list[Message]]] = {}
        for root in (None, *shown):
            waiting = [m for m in reversed(children.get(root, ())) if m.id not in shown]
            while waiting:
                step: Message | None = waiting.pop()
                stretch: list[Message] = []
                while step is not None:
                    stretch.append(step)
                    below = children.get(step.id, [])
                    waiting += reversed(below[:-1])
                    step = below[-1] if below else None
                found.setdefault(root, []).append(stretch)
        return found

    def told(self) -> "Shared":
        """The session with the state of each tool call updated from its result."""
        results = self.results()
        exchanges = dict(self.exchanges)
        for message in self.messages:
            found = results.get(message.id)
            for source in message.sources if found else ():
                exchange = exchanges.get(source.exchange_id)
                if exchange is not None and found is not None:
                    exchanges[exchange.id] = _with_states(exchange, found)
        return replace(self, exchanges=exchanges)

    def exchanges_of(self, message: Message) -> Iterator[tuple[Exchange, int]]:
        """The exchanges of a reply, each with the index of the choice."""
        for source in message.sources:
            exchange = self.exchanges.get(source.exchange_id)
            if exchange is not None:
                yield exchange, source.choice_index


def _with_states(exchange: Exchange, results: Mapping[str, ToolResultPart]) -> Exchange:
    choices = tuple(
        replace(
            choice,
            tool_calls=tuple(
                replace(call, state=results[call.id].state) if call.id in results else call
                for call in choice.tool_calls
            ),
        )
        for choice in exchange.choices
    )
    return replace(exchange, choices=choices)
