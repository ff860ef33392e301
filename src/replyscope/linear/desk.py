"""The desk of the linear chat: what its commands share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Listen
from replyscope.domain.exchange import Choice, Exchange
from replyscope.domain.message import Attachment, Message, Part, Role
from replyscope.domain.search import Search
from replyscope.domain.session import SessionSettings
from replyscope.domain.typed_number import shortened, whole_number
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.prompt_writing import PromptWriting
from replyscope.engine.services import ChatServices
from replyscope.engine.targets import Targets
from replyscope.engine.undo import UndoList
from replyscope.linear.engine_thread import EngineThread
from replyscope.linear.terminal import LineTerminal

T = TypeVar("T")

Start = Callable[[Target, Listen], Awaitable[str | None]]
"""Starts a turn of the engine. Returns the reason why it stopped early."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the last list: a session, and of a search the found reply."""

    session_id: str
    title: str
    message_id: str | None = None
    exchange_id: str | None = None


class RunTurns(Protocol):
    """Runs turns in the open conversation."""

    def send(self, parts: tuple[Part, ...]) -> bool:
        """Send a message. Returns whether it was sent."""

    def run(self, start: Start, *, replies: int = 1) -> None:
        """Run a turn to its end, and print it; several replies at once when they have ended."""

    def run_beside(self, work: Awaitable[T]) -> T:
        """Run a request that is not a turn, with the questions about spending limits."""

    def queue(self, step: Callable[[], None]) -> None:
        """Let the main thread run a step of printing, in order. Called in the engine's thread."""


class LinearDesk:
    """The open conversation, the last list, and the services. `turns` is set at the start.

    `edited` is the message that the next message replaces. `search` is the last search, for its
    next page. With `is_review` a line without a slash is a query. `run` runs a coroutine of the
    engine, and raises its ReplyscopeError, or Stopped.
    """

    turns: RunTurns

    def __init__(
        self, services: ChatServices, terminal: LineTerminal, engine: EngineThread
    ) -> None:
        self.services = services
        self.terminal = terminal
        self.engine = engine
        self.targets = Targets(services)
        self.conversation: Conversation = services.archive.new(SessionSettings())
        self.attachments: list[Attachment] = []
        self.edited: Message | None = None
        self.listed: list[Listed] = []
        self.search: Search | None = None
        self.undo = UndoList()
        self.prompt_writing = PromptWriting(services.prompts)
        self.watched: asyncio.Queue[tuple[str, str]] | None = None
        """The lines about other programs that are not printed yet, once the watch was started."""
        self.is_review = False
        self.is_leaving = False
        self.say = terminal.say
        self.run = engine.run

    def apply_settings(self, settings: SessionSettings) -> None:
        """Change the settings of the open session, and save them unless it is new."""
        self.conversation.change_settings(settings)
        if not self.conversation.is_new:
            self.run(self.conversation.save_head())

    def last_reply(self) -> tuple[Message, Exchange, Choice]:
        """The last reply of the branch. Raises ReplyscopeError if there is none."""
        for message in reversed(self.conversation.messages):
            if message.role is Role.ASSISTANT and message.sources:
                source = message.sources[-1]
                exchange = self.conversation.exchanges.get(source.exchange_id)
                if exchange is not None:
                    return message, exchange, exchange.choice(source.choice_index)
        raise ReplyscopeError("There is no reply in this session yet.")

    def listed_at(self, text: str) -> Listed:
        """The row of the last list with a number. Raises ReplyscopeError."""
        number = whole_number(text) or 0
        if not 1 <= number <= len(self.listed):
            raise ReplyscopeError(
                f"There is no number {shortened(text)} in the last list.",
                "/sessions or /search lists.",
            )
        return self.listed[number - 1]

    def open(self, conversation: Conversation) -> None:
        """Continue in another conversation."""
        self.conversation = conversation
        self.targets.follow(conversation)
        self.edited = None
        self.is_review = False
