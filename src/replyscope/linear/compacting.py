"""The command that compacts a conversation: a summary begins a new branch."""

from functools import partial

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Listen
from replyscope.engine.compaction import Compaction, expected_cost
from replyscope.engine.live_reply import Target
from replyscope.linear.desk import LinearDesk

_DONE = "Compacted. The session continues from the summary; /previous opens the old branch."


def compact(desk: LinearDesk, argument: str = "") -> None:
    """Continue from a summary by a model, by default the session's. With `server` the server
    compacts by itself.
    """
    compaction = Compaction(desk.conversation)
    if argument == "server":
        desk.turns.run(partial(_at_server, compaction))
        if compaction.is_accepted:
            desk.say("note", f"{_DONE} {compaction.price}.")
        return
    model = desk.targets.find_model(argument) if argument else None
    if model is None:
        price = desk.run(expected_cost(desk.services.prices, desk.targets, desk.conversation))
        if not desk.terminal.confirm(f"Request a summary, {price}?"):
            return

    async def start(target: Target, listen: Listen) -> str | None:
        if model is not None:
            target = await desk.targets.named_target(target, model)
        await compaction.summarise(target, listen)
        return None

    desk.turns.run(start)
    if compaction.text is not None:
        _confirm(desk, compaction, compaction.text)


def _confirm(desk: LinearDesk, compaction: Compaction, text: str) -> None:
    """Ask whether to continue from the summary, perhaps edited."""
    desk.say("summary", compaction.price)
    rows = ("Continue from this summary", "Edit it first")
    edited = text
    place = desk.terminal.choose("The summary is above.", rows)
    if place == 1:
        if desk.conversation.is_private:
            raise ReplyscopeError("Editors write files, so private sessions have none.")
        edited = desk.services.edit_text(text)
    if place is None or not edited.strip():
        desk.say("note", "Not compacted.")
        return
    desk.run(compaction.accept(edited))
    desk.say("note", _DONE)


async def _at_server(compaction: Compaction, target: Target, listen: Listen) -> str | None:
    await compaction.compact_at_server(target, listen)
    await compaction.accept()
    return None
