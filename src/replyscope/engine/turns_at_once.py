"""Several turns of one session that answer the same messages at once."""

from collections.abc import Callable, Sequence

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message
from replyscope.engine.side_by_side import settled
from replyscope.engine.turn import Turn


async def answer_side_by_side(
    turns: Sequence[Turn], messages: Sequence[Message], begin: Callable[[], None]
) -> str | None:
    """Request a reply to these messages from the target of each turn, then run the tool calls and
    rules of each reply in order. `begin` is called before the first request.

    Returns the reason why a turn stopped early. Raises the first fault, after all have ended.
    """
    allowed: list[Turn] = []
    faults: list[BaseException] = []
    try:
        for turn in turns:
            try:
                await turn.allow(messages)
                allowed.append(turn)
            except ReplyscopeError as error:
                faults.append(error)
        if allowed:
            begin()
        replies = await settled(turn.request(messages) for turn in allowed)
        why = None
        for turn, reply in zip(allowed, replies, strict=True):
            if isinstance(reply, BaseException):
                faults.append(reply)
            else:
                why = await turn.follow_up(reply) or why
    finally:
        for turn in allowed:
            await turn.release()
    if faults:
        raise faults[0]
    return why
