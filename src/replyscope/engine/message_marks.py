"""Messages that are left out of requests, and messages that are pinned. Pure functions.

A reply with tool calls and the results of these calls form a group: they are sent or left out
together, because servers reject one without the other. The last group of a branch is always
sent: it is what the request asks about.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.message import Message, Role
from replyscope.domain.session import Parameters, SessionSettings


def groups_of(branch: Sequence[Message]) -> list[list[Message]]:
    """The messages of a branch in groups: tool results belong to the reply before them."""
    groups: list[list[Message]] = []
    for message in branch:
        if groups and message.role is Role.TOOL:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def sent_messages(
    branch: Sequence[Message], settings: SessionSettings, drops: int = 0
) -> list[Message]:
    """The messages of a branch that a request contains. `drops` of the oldest are left out
    too, unless they are pinned.
    """
    sent: list[Message] = []
    groups, left_out, pinned = groups_of(branch), set(settings.left_out), set(settings.pinned)
    at = 0
    for group in groups:
        is_dropped = at < drops or not left_out.isdisjoint(_ids(group))
        at += len(group)
        if group is groups[-1] or not is_dropped or not pinned.isdisjoint(_ids(group)):
            sent += group
    return sent


def unsent_ids(branch: Sequence[Message], sent: Sequence[Message]) -> tuple[str, ...]:
    """The ids of the messages that a request lacks."""
    known = set(_ids(sent))
    return tuple(message.id for message in branch if message.id not in known)


def leave_out(
    branch: Sequence[Message], settings: SessionSettings, message_id: str
) -> tuple[SessionSettings, str]:
    """Leave a message out of requests, or send it again. Returns the settings and a sentence."""
    ids, subject = _group_with(branch, message_id)
    if message_id in settings.left_out:
        left_out = tuple(one for one in settings.left_out if one not in ids)
        return replace(settings, left_out=left_out), "This message is sent again."
    pinned = tuple(one for one in settings.pinned if one not in ids)
    changed = replace(settings, left_out=(*settings.left_out, *ids), pinned=pinned)
    return changed, f"{subject} left out of the next requests."


def pin(
    branch: Sequence[Message], settings: SessionSettings, message_id: str
) -> tuple[SessionSettings, str]:
    """Pin a message, or remove its pin. Returns the settings and a sentence."""
    ids, subject = _group_with(branch, message_id)
    if message_id in settings.pinned:
        pinned = tuple(one for one in settings.pinned if one not in ids)
        return replace(settings, pinned=pinned), "This message is not pinned any more."
    left_out = tuple(one for one in settings.left_out if one not in ids)
    changed = replace(settings, pinned=(*settings.pinned, *ids), left_out=left_out)
    return changed, f"{subject} pinned: /compact and shortening keep it."


def check_marks(branch: Sequence[Message], settings: SessionSettings, kept_at: object) -> None:
    """Raise ReplyscopeError if a message is left out although the server keeps the messages.

    `kept_at` is the parameter `conversation`, None without one.
    """
    ids = {message.id for message in branch}
    if kept_at is not None and not ids.isdisjoint(settings.left_out):
        raise ReplyscopeError(
            "The server keeps this conversation (parameter conversation), so no message can be "
            "left out.",
            "/leave-out sends a message again; /params removes the parameter.",
        )


def check_choices(parameters: Parameters, api: Api) -> None:
    """Raise ReplyscopeError if several replies are requested in a conversation that the server
    keeps: it would append each reply.
    """
    kept_at = parameters.given().get("conversation")
    if api is Api.RESPONSES and kept_at is not None and (parameters.n or 1) > 1:
        raise ReplyscopeError(
            "The server keeps this conversation (parameter conversation), so a message can have "
            f"only one reply, and n is {parameters.n}.",
            "/n 1 asks for one; /params removes the parameter.",
        )


def _ids(messages: Collection[Message]) -> list[str]:
    return [message.id for message in messages]


def _group_with(branch: Sequence[Message], message_id: str) -> tuple[list[str], str]:
    """The ids of a message's group, and the beginning of a sentence about the group."""
    for group in groups_of(branch):
        if message_id in _ids(group) and len(group) > 1:
            return _ids(group), "This message and its tool results are"
    return [message_id], "This message is"
