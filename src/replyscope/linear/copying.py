"""The commands that copy: the last reply, or one of its code blocks."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line, printable_text
from replyscope.inspection.markup.code_blocks import code_blocks
from replyscope.linear.desk import LinearDesk


def copy_reply(desk: LinearDesk, _argument: str = "") -> None:
    """Copy the source of the last reply."""
    _, _, choice = desk.last_reply()
    copy_text(desk, choice.text, "Reply", "/raw prints the source.")


def copy_code(desk: LinearDesk, number: str = "") -> None:
    """Copy a code block of the last reply; without a clipboard, print it."""
    _, _, choice = desk.last_reply()
    blocks = code_blocks(choice.text)
    if not blocks:
        raise ReplyscopeError("There is no code block in the last reply.")
    place: int | None = 0
    if number or len(blocks) > 1:
        rows = [printable_line(block.summary) for block in blocks]
        place = desk.terminal.choose("Code blocks:", rows, number)
    if place is None:
        return
    if desk.terminal.has_clipboard:
        copy_text(desk, blocks[place].code, "Code")
    else:
        desk.say("code", printable_text(blocks[place].code))


def copy_text(desk: LinearDesk, text: str, name: str, instead: str = "") -> None:
    """Copy a text. Raises ReplyscopeError if the terminal has no clipboard."""
    if not desk.terminal.has_clipboard:
        raise ReplyscopeError("This terminal has no clipboard.", instead)
    desk.terminal.copy(text)
    desk.say("note", f"{name} copied.")
