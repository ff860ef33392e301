"""The groups of the chat on a real archive and engine, with no terminal: a desk on a bench."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.message import Message as TextualMessage

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.branches import Branches
from replyscope.ui.chat.completing import Completing
from replyscope.ui.chat.composer import completion_at
from replyscope.ui.chat.copying import Copying
from replyscope.ui.chat.decisions import Decisions
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.late_prompts import LatePrompts
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.sending import Sending
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.chat.stored_replies import ProviderReplies
from replyscope.ui.chat.tool_servers import ServerCommands
from replyscope.ui.chat.tools import Tools
from replyscope.ui.chat.turns import TurnEnded
from replyscope.ui.chat.writing import Writing
from replyscope.ui.services import Services
from replyscope.ui.terminal.type_ahead import KeyHold
from tests.ui.app import make_services


class Task:
    """A worker of the bench: one asyncio task."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self.task = asyncio.create_task(work)

    def cancel(self) -> bool:
        return self.task.cancel()

    async def wait(self) -> None:
        await asyncio.wait([self.task])


class Later:
    """A timer of the bench."""

    def __init__(self, delay: float, callback: Callable[[], None]) -> None:
        self._handle = asyncio.get_running_loop().call_later(delay, callback)

    def stop(self) -> None:
        self._handle.cancel()


class Application:
    """Keeps what a terminal would show, and answers dialogs with what a test prepared."""

    app_focus = True
    is_running = True

    def __init__(self) -> None:
        self.answers: deque[Any] = deque()
        self.dialogs: list[Any] = []
        self.copied: list[str] = []
        self.rings = 0

    async def push_screen_wait(self, screen: Any) -> Any:
        self.dialogs.append(screen)
        return self.answers.popleft()

    def push_screen(self, screen: Any, callback: Callable[[Any], None] | None = None) -> None:
        self.dialogs.append(screen)
        if callback is not None and self.answers:
            callback(self.answers.popleft())

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    def bell(self) -> None:
        self.rings += 1


class Host:
    """A screen without a terminal: tasks for workers, a list for toasts."""

    def __init__(self) -> None:
        self.app = Application()
        self.told: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.ended: Callable[[TurnEnded], None] = lambda _event: None

    def tell(self, error: ReplyscopeError | str, *, is_error: bool = True) -> None:
        self.told.append(str(error))

    def start_work(
        self,
        work: Callable[..., Coroutine[Any, Any, None]],
        *arguments: object,
        group: str = "default",
        exclusive: bool = False,
        holds_keys: bool = False,
    ) -> None:
        self._keep(work(*arguments))

    def hold_keys(self) -> KeyHold:
        return KeyHold()

    def run_worker(
        self, work: Coroutine[Any, Any, None], *, group: str, exit_on_error: bool
    ) -> Task:
        return self._keep(work)

    def _keep(self, work: Coroutine[Any, Any, None]) -> Task:
        worker = Task(work)
        self.tasks.add(worker.task)
        worker.task.add_done_callback(self.tasks.discard)
        return worker

    def post_message(self, message: TextualMessage) -> bool:
        assert isinstance(message, TurnEnded)
        self.ended(message)
        return True

    def ask_dialog(self, dialog: Any, accept: Callable[[str], object]) -> None:
        self.app.dialogs.append(dialog)
        if self.app.answers:
            value = self.app.answers.popleft()
            if value is not None:
                accept(value)

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Later:
        return Later(delay, callback)

    def call_next(self, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(callback)

    async def quiet(self) -> None:
        """Wait until no worker runs."""
        async with asyncio.timeout(20):
            while self.tasks:
                done, _ = await asyncio.wait(self.tasks)
                for task in done:
                    if not task.cancelled():
                        task.result()


class Editor:
    """A text with its cursor at the end."""

    is_suggesting = False

    def __init__(self) -> None:
        self.text = ""
        self.history: list[str] = []
        self.has_focus = False

    @property
    def written(self) -> tuple[str, int | None]:
        return self.text, None

    def replace_text(self, text: str, cursor: int | None = None) -> None:
        self.text = text

    def insert(self, text: str) -> None:
        self.text += text

    def remember(self, prompt: str) -> None:
        self.history.append(prompt)

    def completion(self) -> tuple[str | None, str]:
        *before, line = self.text.split("\n")
        return completion_at(line, is_first=not before)

    def replace_word(self, word: str, by: str) -> None:
        self.text = self.text.removesuffix(word) + by

    def focus(self) -> None:
        self.has_focus = True


class Completions:
    """The rows that are offered, and the highlighted one."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.at = 0

    @property
    def chosen(self) -> str | None:
        return self.rows[self.at][0] if self.rows and self.at >= 0 else None

    def offer(self, rows: list[tuple[str, str]], *, chooses: bool = True) -> None:
        self.rows, self.at = rows, 0 if chooses else -1

    def action_cursor_down(self) -> None:
        self.at = min(self.at + 1, len(self.rows) - 1)

    def action_cursor_up(self) -> None:
        self.at = max(self.at - 1, 0)


class View:
    """The panes of the bench: they follow the branch, and draw nothing."""

    def __init__(self, desk: Desk, drafts: Drafts, composer: Editor) -> None:
        self._desk = desk
        self._drafts = drafts
        self.composer = composer
        self.suggestions = Completions()
        self.cursor: str | None = None

    def focus_composer(self) -> None:
        self.composer.has_focus = True

    async def settle(self) -> None: ...

    def message_at_cursor(self) -> Message | None:
        messages = self._desk.conversation.messages
        found = next((m for m in messages if m.id == self.cursor), None)
        return found or (messages[-1] if messages else None)

    def reply_at_cursor(self) -> Message | None:
        message = self.message_at_cursor()
        return message if message is not None and message.role is Role.ASSISTANT else None

    def point_at(self, message_id: str) -> None:
        self.cursor = message_id

    def show_conversation(self, conversation: Conversation) -> None:
        draft = self._drafts.turn_to(conversation)
        self.composer.replace_text(draft.text, draft.cursor)

    def sync_entries(self, conversation: Conversation) -> None:
        self.cursor = None

    show_ending = sync_entries

    def redraw_replies(self) -> None: ...

    draw_all = draw_status = draw_attachments = refresh_sidebar = redraw_replies

    async def draw_sidebar(self) -> None: ...


class Bench:
    """A desk with its groups."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.host = Host()
        self.editor = Editor()
        self.ran: list[tuple[str, str]] = []
        desk = self.desk = Desk(services, self.host)
        self.drafts = Drafts(desk, lambda: self.editor.written)
        view = self.view = View(desk, self.drafts, self.editor)
        self.providers = ProviderCommands(desk, view)
        self.sending = Sending(desk, view, self.drafts, self.providers, lambda: None)
        self.branches = Branches(desk, view, self.drafts, self.sending, self.providers)
        self.sessions = Sessions(desk, view, self.drafts, lambda: None)
        self.stored_replies = ProviderReplies(desk, self.sessions)
        self.tools = Tools(desk, view, self.sending)
        self.servers = ServerCommands(desk, view)
        self.copying = Copying(desk, view)
        self.decisions = Decisions(desk)
        self.prompts = LatePrompts(desk, view, self.providers, lambda text: text)
        self.writing = Writing(
            desk,
            view,
            self.drafts,
            self.sending,
            self.servers,
            self.prompts,
            COMMANDS,
            self._run,
        )
        self.completing = Completing(desk, view, self.writing, self.servers, self.prompts, COMMANDS)
        self.host.ended = self.sending.finish_turn

    async def _run(self, name: str, text: str) -> None:
        self.ran.append((name, text))

    @property
    def told(self) -> list[str]:
        return self.host.told

    def answer(self, *values: Any) -> None:
        """Prepare the values of the next dialogs."""
        self.host.app.answers.extend(values)

    async def say(self, text: str) -> None:
        """Send a message and wait for the end of its turn."""
        self.sending.send(text)
        await self.host.quiet()

    def texts(self) -> list[str]:
        """The texts of the branch."""
        return [message.text for message in self.desk.conversation.read_messages()]


class Line:
    """A command as it is typed."""

    help = "a line of help"
    aliases = ()

    def __init__(self, name: str, argument: str = "", *, takes_text: bool = False) -> None:
        self.name = name
        self.argument = argument
        self.takes_text = takes_text


COMMANDS = (
    Line("model", "MODEL"),
    Line("new"),
    Line("next"),
    Line("aside", "QUESTION", takes_text=True),
)


@asynccontextmanager
async def on_bench(folder: Path, base_url: str | None, **changes: Any) -> AsyncIterator[Bench]:
    """A bench on a data folder, sending to a server."""
    services = make_services(folder, base_url, **changes)
    await services.open_store()
    bench = Bench(services)
    try:
        yield bench
        await bench.host.quiet()
    finally:
        await services.close()
