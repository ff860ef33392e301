"""The commands of the prompt library: use a prompt, write one, and make one of a message."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message
from replyscope.domain.printable import printable_line
from replyscope.domain.prompt import Prompts
from replyscope.engine.conversation import Conversation
from replyscope.engine.prompt_writing import PromptWriting
from replyscope.engine.prompts import (
    Filled,
    check_prompts,
    describe_prompt,
    fill,
    find_prompt,
    is_complete,
    model_of,
    read_arguments,
    starting_values,
    with_filled,
)
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.prompt_form import PromptForm
from replyscope.ui.chat.prompt_picker import EDIT, USE, PromptPicker
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog

Work = Callable[..., Coroutine[Any, Any, None]]
_SAVE, _NEW, _KEEP, _REPLACE = "save", "new", "keep", "replace"


class PromptCommands:
    """Commands of prompts. A filled prompt is put into the composer, with its settings applied.

    `edit` edits a text in $EDITOR, None after an error; `attach_file` attaches a file by its path.
    """

    def __init__(
        self,
        desk: Desk,
        view: ChatView,
        providers: ProviderCommands,
        edit: Callable[[str], str | None],
    ) -> None:
        self._desk = desk
        self._view = view
        self._providers = providers
        self._edit = edit
        self._known: Prompts | None = None
        self._writing = PromptWriting(desk.services.prompts)
        self.attach_file: Callable[[str], object] = lambda _path: None

    async def _read(self) -> Prompts:
        """The prompts of the library now. Raises ReplyscopeError."""
        self._known = await asyncio.to_thread(self._desk.services.prompts().read)
        return self._known

    def rows(self, word: str, learned: Callable[[], None]) -> list[tuple[str, str]]:
        """The prompts whose command begins with a text, as (command, help). A thread reads the
        library; `learned` is called after a change.
        """
        if self._known is None or word == "/":
            self._desk.start_work(self._learn, learned, group="library", exclusive=True)
        known = self._known.by_name if self._known is not None else {}
        return [
            (f"/{name}", f"prompt: {describe_prompt(one)}")
            for name, one in known.items()
            if f"/{name}".lower().startswith(word.lower())
        ]

    async def _learn(self, learned: Callable[[], None]) -> None:
        before = self._known
        try:
            await self._read()
        except ReplyscopeError:  # using one reports it
            self._known = Prompts()
        if self._known != before:
            learned()

    async def has(self, name: str) -> bool:
        """Whether the library has a file for a prompt."""
        try:
            known = await self._read()
        except ReplyscopeError:
            return False
        return name in known.by_name or name in known.faults

    def prompts(self, text: str = "") -> None:
        """Choose a prompt, or use one by its name. `save NAME` makes one of your message,
        `new NAME` and `edit NAME` open $EDITOR.
        """
        word, _, name = text.partition(" ")
        name = name.strip()
        if not text:
            self._start(self._choose)
        elif word == _SAVE:
            self.save(name)
        elif word in (_NEW, EDIT) and name:
            self._start(self._write, name, word == _NEW)
        else:
            self.use(word, name, f"/prompts {text}")

    def _start(self, work: Work, *arguments: object) -> None:
        self._desk.start_work(
            self._told, work, *arguments, group="prompts", exclusive=True, holds_keys=True
        )

    async def _told(self, work: Work, *arguments: object) -> None:
        """Run a command, and show its error."""
        try:
            await work(*arguments)
        except ReplyscopeError as error:
            self._desk.tell(error)

    async def _choose(self) -> None:
        chosen = await self._desk.ask(PromptPicker(await self._read()))
        if chosen is None:
            return
        action, name = chosen
        if action == USE:
            written = self._view.composer.text
            await self._use(name, "", written)
        else:
            await self._write(name, action != EDIT)

    def use(self, name: str, text: str = "", command: str = "") -> None:
        """Use a prompt. `text` has values, as in `language=German`, and the input. The composer
        keeps the `command` until the prompt is filled: Esc and errors lose no input.
        """
        if text and not self._view.composer.text:
            self._view.composer.replace_text(command)
        self._start(self._use, name, text, "")

    async def _use(self, name: str, text: str, written: str) -> None:
        """Fill a prompt, and put it into the composer. `written` is its text before."""
        conversation, library = self._desk.conversation, self._desk.services.prompts()
        prompt = find_prompt(await self._read(), name)
        await check_prompts([prompt], library, self._desk.services.load_catalogue)
        given, rest = read_arguments(prompt, text)
        rest = rest or written
        if is_complete(prompt, given, rest):
            used = fill([prompt], given, rest)
        else:
            last = await self._desk.services.history.last_values(name)
            values = starting_values(prompt, last, given)
            folder = self._desk.services.working_folder
            answer = await self._desk.ask(PromptForm(prompt, values, rest, folder))
            if answer is None:
                return
            used, given = answer.filled, dict(answer.values)
        if given and not conversation.is_private:
            await conversation.remember_values(name, given)
        self._apply(conversation, used, has_more=bool(written.strip()))

    def _apply(self, conversation: Conversation, used: Filled, *, has_more: bool) -> None:
        """Apply the settings of a prompt: all of them, or nothing if its model or its schema can't
        be used. Then put its text into the composer.
        """
        desk = self._desk
        known = desk.services.settings
        with_filled(conversation.session.settings, used, known)  # its schema may be unreadable
        model = model_of(used.prompts, known)

        def apply() -> None:
            if conversation is not desk.conversation:
                return
            before = conversation.session.settings
            settings = with_filled(before, used, known)
            if settings != before:
                desk.apply_settings(conversation, settings)
                desk.tell("The prompt's settings apply from the next message.", is_error=False)
            desk.pending.use_prompts(used.parts, keeps=has_more)
            for path in used.files:
                self.attach_file(path)
            self._view.composer.replace_text(used.text)
            self._view.composer.focus()
            self._view.draw_attachments()
            self._view.draw_status()

        if model is None:
            apply()
        else:
            self._providers.use_found(desk.targets.parse_model(model), apply)

    async def _write(self, name: str, is_new: bool) -> None:
        """Write a prompt in $EDITOR."""
        editing = await asyncio.to_thread(self._writing.begin, name, is_new=is_new)
        edited = self._edit(editing.text)
        if edited is not None and editing.changes(edited):
            await self._save(name, edited)

    async def _save(self, name: str, text: str) -> None:
        await asyncio.to_thread(self._writing.save, name, text)
        prompt = self._desk.services.prompts().parse(name, text)
        await self._read()
        words = printable_line(f"Saved {prompt.part.short_name}. /prompts {name} uses it.")
        self._desk.tell(words, is_error=False)

    def save(self, name: str = "") -> None:
        """Make a prompt of the person's message under the cursor, or above the reply under it."""
        if self._desk.conversation.is_private:
            self._desk.tell("Private sessions cannot save prompts.")
        elif not name:
            self._desk.ask_dialog(LineDialog("Name of the prompt"), self.save)
        else:
            self._start(self._save_message, name)

    async def _save_message(self, name: str) -> None:
        text_of = self._writing.text_of_message
        text, replaces = await asyncio.to_thread(text_of, name, list(self._messages_above()))
        if replaces:
            rows = [(_KEEP, "do not replace it"), (_REPLACE, "by this message")]
            dialog = PickDialog(f"Replace the prompt {printable_line(name)}?", rows)
            if await self._desk.ask(dialog) != _REPLACE:
                return
        await self._save(name, text)

    def _messages_above(self) -> Iterator[Message]:
        """The message under the cursor, and those before it."""
        tree, message = self._desk.conversation.tree, self._view.message_at_cursor()
        while message is not None:
            yield message
            message = tree.parent_of(message)
