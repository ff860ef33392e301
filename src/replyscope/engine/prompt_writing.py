"""Writes prompts of the library, for the chats and the command line. An edited text is never lost.

A text that can't be used is saved too. One that the disk refuses is kept in a temporary file, and
is opened again by the next edit of its prompt. Everything blocks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from replyscope.domain.errors import ReplyscopeError, SettingsError
from replyscope.domain.message import Message, Role
from replyscope.domain.prompt import PromptLibrary, normalised
from replyscope.engine.prompts import TEMPLATE, find_prompt, prompt_of_message


@dataclass(frozen=True, slots=True)
class EditedPrompt:
    """The text that an editor opens, and the text that is saved now."""

    text: str
    saved: str

    def changes(self, edited: str) -> bool:
        """Whether an edited text is to be saved."""
        return bool(edited.strip()) and normalised(edited) != normalised(self.saved)


class PromptWriting:
    """The writing of prompts. `library` returns the library."""

    def __init__(self, library: Callable[[], PromptLibrary]) -> None:
        self._library = library
        self._refused: dict[str, str] = {}
        """The texts that the disk refused, by the name of their prompt."""

    def begin(self, name: str, *, is_new: bool) -> EditedPrompt:
        """Begin to edit a prompt; with `is_new` it may not exist. Raises SettingsError."""
        library = self._library()
        library.check_writing(name)
        saved = library.read_source(name)
        refused = self._refused.get(name)
        if saved is None and refused is None and not is_new:
            find_prompt(library.read(), name)
        before = TEMPLATE if saved is None else saved
        return EditedPrompt(refused or before, before)

    def save(self, name: str, text: str) -> Path:
        """Save the text of a prompt, also one that can't be used. Raises SettingsError if it can't
        be saved.
        """
        library = self._library()
        try:
            path = library.write(name, text)
        except SettingsError as error:
            self._refused[name] = text
            kept = library.keep(text)
            where = f"in {kept}" if kept is not None else "kept until you leave"
            raise SettingsError(f"{error.message} The text is {where}.", error.next_step) from error
        self._refused.pop(name, None)
        return path

    def text_of_message(self, name: str, messages: Iterable[Message]) -> tuple[str, bool]:
        """The text of a prompt that the first message of the person makes, and whether it would
        replace another text. Raises ReplyscopeError.
        """
        message = next((one for one in messages if one.role is Role.USER), None)
        if message is None:
            raise ReplyscopeError("There is no message of yours to make a prompt of.")
        library = self._library()
        text = prompt_of_message(name, message.parts, library)
        old = library.read_source(name)
        return text, old is not None and normalised(old) != normalised(text)
