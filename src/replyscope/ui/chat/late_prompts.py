"""The commands of the prompt library, imported at their first use: the start does not need them."""

import asyncio
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.view import ChatView

if TYPE_CHECKING:
    from replyscope.ui.chat.prompts import PromptCommands

_MODULE = "replyscope.ui.chat.prompts"


class LatePrompts:
    """Imports PromptCommands in a thread when a command is first typed, or when one is used.

    `edit` edits a text in $EDITOR; `attach_file` attaches a file by its path.
    """

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        providers: ProviderCommands,
        edit: Callable[[str], str | None],
    ) -> None:
        self._desk = desk
        self._groups = (desk, view, providers, edit)
        self._made: PromptCommands | None = None
        self.attach_file: Callable[[str], object] = lambda _path: None

    @property
    def commands(self) -> "PromptCommands":
        """The commands."""
        if self._made is None:
            made: PromptCommands = importlib.import_module(_MODULE).PromptCommands(*self._groups)
            made.attach_file = self.attach_file
            self._made = made
        return self._made

    def rows(self, word: str, learned: Callable[[], None]) -> list[tuple[str, str]]:
        """See PromptCommands."""
        if self._made is None:
            self._desk.start_work(self._load, learned, group="library", exclusive=True)
            return []
        return self.commands.rows(word, learned)

    async def _load(self, learned: Callable[[], None]) -> None:
        await asyncio.to_thread(importlib.import_module, _MODULE)
        if self.commands.rows("", learned):
            learned()

    async def has(self, name: str) -> bool:
        """Whether the library has a file for a prompt."""
        await asyncio.to_thread(importlib.import_module, _MODULE)
        return await self.commands.has(name)
