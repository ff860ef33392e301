"""The tree of a session's messages, and its current branch."""

from collections.abc import Iterable

from replyscope.domain.message import Message, Role
from replyscope.domain.session import path_to


class MessageTree:
    """Every message of a session by id. `branch` is the path from the root to the head."""

    def __init__(self, messages: Iterable[Message], head_id: str | None) -> None:
        self._nodes: dict[str, Message] = {}
        self._children: dict[str | None, list[str]] = {}
        self.branch: list[Message] = []
        for message in messages:
            self.add(message)
        self.branch = path_to(head_id, self._nodes)

    def add(self, message: Message) -> None:
        """Add a message, or a newer version of one. The branch does not change."""
        before = self._nodes.get(message.id)
        self._nodes[message.id] = message
        if before is None:
            self._children.setdefault(message.parent_id, []).append(message.id)
        if before is None or before == message:
            return
        for position, shown in enumerate(self.branch):
            if shown.id == message.id:
                self.branch[position] = message

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, oldest first."""
        return tuple(self._nodes.values())

    def __getitem__(self, message_id: str) -> Message:
        return self._nodes[message_id]

    def parent_of(self, message: Message) -> Message | None:
        """The message that this one answers; None for a root."""
        return self._nodes.get(message.parent_id or "")

    def go_to(self, message_id: str | None) -> None:
        """Make the path to a message the branch; None empties it."""
        self.branch = path_to(message_id, self._nodes)

    def siblings(self, message: Message) -> tuple[Message, ...]:
        """The messages with the same parent, itself included, oldest first."""
        others = (self._nodes[key] for key in self._children.get(message.parent_id, ()))
        return tuple(other for other in others if other.role is message.role)

    def children(self, message_id: str) -> tuple[Message, ...]:
        """The messages whose parent is this one."""
        return tuple(self._nodes[key] for key in self._children.get(message_id, ()))

    def outside_asides(self, message_id: str) -> str | None:
        """The id of a message; for one of a side question, that of the message before it. None if
        the question is the first message of the session.
        """
        path = path_to(message_id, self._nodes)
        asides = [at for at, message in enumerate(path) if message.role is Role.ASIDE]
        return path[asides[0]].parent_id if asides else message_id

    def tip_under(self, message_id: str) -> str:
        """The id of the newest leaf below a message, without side questions."""
        tip = message_id
        while children := [child for child in self.children(tip) if child.role is not Role.ASIDE]:
            tip = children[-1].id
        return tip
