"""The command that searches the prompts of all sessions."""

from replyscope.domain.printable import printable_line
from replyscope.engine.prompt_search import PromptSearch
from replyscope.linear.desk import LinearDesk

_MOST_LISTED = 20
_MOST_TITLE = 100


def history(desk: LinearDesk, words: str = "") -> None:
    """List the sent prompts with these words, the newest first. The chosen one begins the next
    message.
    """
    search = desk.services.archive.prompt_search(is_private=desk.conversation.is_private)
    desk.run(_load(search))
    found = search.find(words, _MOST_LISTED)
    if not found:
        desk.say("note", "No sent prompt has these words." if words else "No prompt was sent yet.")
        return
    rows = [printable_line(" ".join(one.text[:_MOST_TITLE].split())) for one in found]
    chosen = desk.terminal.choose("Sent prompts, the newest first:", rows)
    if chosen is None:
        return
    desk.terminal.typed.begin_with(found[chosen].text)
    if not desk.terminal.edits_lines:
        desk.say("note", "Enter sends it. Text that you type is added at its end.")


async def _load(search: PromptSearch) -> None:
    while await search.load_next():
        pass
