"""What is handed on of a session, whatever the form."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from replyscope.domain.event import WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.message import Message, ToolResultPart
from replyscope.domain.session import Session, path_to


class Taken(StrEnum):
    """What taking a session in came to."""

    NEW = "new"
    GROWN = "grown"
    """It was here, and messages were added to it."""
    KNOWN = "known"


Clean = Callable[[str], str]
"""Takes out of a text what must not be handed on."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A session with all of its tree. `records` are the wires, where the form has them."""

    session: Session
    messages: tuple[Message, ...]
    exchanges: Mapping[str, Exchange]
    tags: tuple[str, ...] = ()
    records: Mapping[str, WireRecord] = field(default_factory=dict)

    @property
    def branch(self) -> list[Message]:
        """The messages that are shown."""
        return path_to(self.session.head_id, {m.id: m for m in self.messages})

    def results_of(self, message: Message) -> dict[str, ToolResultPart]:
        """What became of a reply's calls."""
        return {
            part.call_id: part
            for child in self.messages
            if child.parent_id == message.id
            for part in child.parts
            if isinstance(part, ToolResultPart)
        }

    def exchanges_of(self, message: Message) -> Iterator[tuple[Exchange, int]]:
        """A reply's exchanges, each with the choice that is of it."""
        for source in message.sources:
            exchange = self.exchanges.get(source.exchange_id)
            if exchange is not None:
                yield exchange, source.choice_index
