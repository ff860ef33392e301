"""The interface of the panes for the groups: the composer, the cursor, and drawing."""

from typing import Protocol

from replyscope.domain.message import Message
from replyscope.engine.conversation import Conversation


class Editor(Protocol):
    """The text field of the next message."""

    @property
    def text(self) -> str:
        """The text in the field."""

    @property
    def written(self) -> tuple[str, int | None]:
        """The text of the message, and the offset of the cursor in characters, None at the end."""

    def replace_text(self, text: str, cursor: int | None = None) -> None:
        """Replace the text."""

    def insert(self, text: str) -> object:
        """Insert a text at the cursor."""

    def remember(self, prompt: str) -> None:
        """Append a prompt to the history."""

    is_suggesting: bool
    """Whether completions are offered: then Enter and Tab accept one."""

    def completion(self) -> tuple[str | None, str]:
        """The kind of the word at the cursor, "command" or "file", and the word."""

    def replace_word(self, word: str, by: str) -> None:
        """Replace the word at the cursor by a completion."""

    def focus(self) -> object:
        """Focus the field after the waiting messages are handled."""


class Completions(Protocol):
    """The list of completions above the composer."""

    @property
    def chosen(self) -> str | None:
        """The highlighted value."""

    def offer(self, rows: list[tuple[str, str]], *, chooses: bool = True) -> None:
        """Show (value, help) rows, or hide when there are none. With `chooses` the first one is
        highlighted.
        """

    def action_cursor_down(self) -> None:
        """Highlight the next row."""

    def action_cursor_up(self) -> None:
        """Highlight the previous row."""


class ChatView(Protocol):
    """The panes of the desk's conversation. They never change the conversation."""

    @property
    def composer(self) -> Editor:
        """The text field of the next message."""

    @property
    def suggestions(self) -> Completions:
        """The list of completions above the composer."""

    def focus_composer(self) -> None:
        """Focus the composer at once."""

    async def settle(self) -> None:
        """Wait until the panes have handled the keys and messages so far."""

    def message_at_cursor(self) -> Message | None:
        """The message under the cursor."""

    def reply_at_cursor(self) -> Message | None:
        """The reply under the cursor, or the reply to the message under it."""

    def point_at(self, message_id: str) -> None:
        """Move the cursor to a message of the branch."""

    def show_conversation(self, conversation: Conversation) -> None:
        """Show a conversation in the panes."""

    def sync_entries(self, conversation: Conversation) -> None:
        """Update the transcript's entries to the messages of the branch."""

    def show_ending(self, conversation: Conversation) -> None:
        """Draw the end of the last reply."""

    def redraw_replies(self) -> None:
        """Draw each message and the inspector again."""

    def draw_all(self) -> None:
        """Draw everything except the entries."""

    def draw_status(self) -> None:
        """Draw the status line."""

    def draw_attachments(self) -> None:
        """Draw the line above the composer."""

    async def draw_sidebar(self) -> None:
        """Load the list of sessions again, and draw it."""

    def refresh_sidebar(self) -> None:
        """Draw the sidebar soon."""
