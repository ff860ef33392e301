"""What is handed on of a session, whatever the form."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.domain.session import Session, path_to


class Form(StrEnum):
    """What a session can be handed on as."""

    MARKDOWN = "md"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


class Taken(StrEnum):
    """What taking a session in came to."""

    NEW = "new"
    GROWN = "grown"
    """It was here, and messages were added to it."""
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a conversation that an import leaves out, why, and how often."""

    what: str
    why: str
    count: int = 1


Clean = Callable[[str], str]
"""Takes out of a text what must not be handed on."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A session with all of its tree. `records` are the wires, where the form has them.

    `left_out` lists the parts of an imported conversation that the session lacks.
    """

    session: Session
    messages: tuple[Message, ...]
    exchanges: Mapping[str, Exchange]
    tags: tuple[str, ...] = ()
    records: Mapping[str, WireRecord] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def branch(self) -> list[Message]:
        """The messages that are shown."""
        return path_to(self.session.head_id, {m.id: m for m in self.messages})

    def results_of(self, message: Message) -> dict[str, ToolResultPart]:
        """What became of a reply's calls."""
        return self.results().get(message.id, {})

    def results(self) -> dict[str, dict[str, ToolResultPart]]:
        """What became of the calls of each reply, by the reply's id."""
        found: dict[str, dict[str, ToolResultPart]] = {}
        for child in self.messages:
            for part in child.parts:
                if isinstance(part, ToolResultPart) and child.parent_id is not None:
                    found.setdefault(child.parent_id, {})[part.call_id] = part
        return found

    def detours(self) -> dict[str | None, list[list[Message]]]:
        """What is not on the branch, as stretches of messages that follow each other.

        By the message of the branch that each hangs under, None for those that begin a
        conversation of their own. A stretch that leaves another comes after it.
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
        """The same, each call in the state that it came to."""
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
        """A reply's exchanges, each with the choice that is of it."""
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
