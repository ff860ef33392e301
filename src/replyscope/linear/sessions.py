"""The commands of saved sessions: list, open, search, label, delete and undo."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.domain.search import Hit, Labels, Search
from replyscope.domain.session import SessionSettings
from replyscope.domain.typed_number import whole_number
from replyscope.engine.branch import read_in
from replyscope.engine.conversation import Conversation
from replyscope.engine.undo import UndoableChange
from replyscope.inspection.figures import count, dollars, seconds
from replyscope.inspection.stats import Sums, stats_of
from replyscope.linear.desk import LinearDesk, Listed
from replyscope.linear.replies import print_message
from replyscope.linear.sentences import hit_sentence, known, session_sentence

_PAGE = 10
_MOST_GROUPS = 10


def new_session(desk: LinearDesk, _argument: str = "") -> None:
    """Start a new session with the settings of the open one."""
    _begin(desk, is_private=False)
    desk.say("session", "new")


def private_session(desk: LinearDesk, _argument: str = "") -> None:
    """Start a session that is never written to disk."""
    if not desk.services.sessions.is_saving:
        desk.say("note", "This chat saves nothing.")
        return
    _begin(desk, is_private=True)
    desk.say("session", "private. Nothing of it is written to disk; it is lost when you leave")


def _begin(desk: LinearDesk, *, is_private: bool) -> None:
    old = desk.conversation.session.settings
    is_private = is_private or desk.services.archive.is_read_only
    is_kept = is_private or not desk.conversation.is_private
    # Settings of a private session are never saved with an ordinary one.
    settings = old if is_kept else SessionSettings()
    desk.open(desk.services.archive.new(settings, is_private=is_private))


def list_sessions(desk: LinearDesk, argument: str = "") -> None:
    """List the saved sessions by number, newest first; with a number, that many."""
    most = whole_number(argument) or 2 * _PAGE
    found = desk.run(desk.services.archive.list_sessions(limit=most, pinned_first=True))
    desk.search = None
    desk.listed = [Listed(summary.id, summary.title) for summary in found]
    if not found:
        desk.say("note", "No sessions yet.")
        return
    rows = map(session_sentence, found)
    desk.terminal.lines(f"{number}. {row}" for number, row in enumerate(rows, start=1))
    desk.say("note", "/open N opens a session, /show N reads it.")


def open_listed(desk: LinearDesk, argument: str = "") -> None:
    """Open a session: a number of the last list, or the beginning of an id."""
    if not argument:
        raise ReplyscopeError("Name a session.", "/open N, where /sessions lists the numbers.")
    number = whole_number(argument)
    is_listed = number is not None and number <= len(desk.listed)
    listed = desk.listed_at(argument) if is_listed else None
    if listed is None:
        listed = Listed(desk.run(desk.services.sessions.find_session_id(argument)), "")
    conversation = desk.run(desk.services.archive.open(listed.session_id))
    if listed.message_id is not None:
        desk.run(conversation.go_to(listed.message_id))
    open_conversation(desk, conversation)


def open_conversation(desk: LinearDesk, conversation: Conversation) -> None:
    """Open a conversation, and print its last question and reply."""
    desk.open(conversation)
    messages = conversation.read_messages()
    desk.say("session", session_title(conversation))
    for message in messages[-2:]:
        print_message(desk, message, conversation)


def session_title(conversation: Conversation) -> str:
    """The title of a session, with its number of messages."""
    private = ", private" if conversation.is_private else ""
    number = plural(len(conversation.messages), "message")
    return printable_line(f"{conversation.session.title}, {number}{private}")


def show(desk: LinearDesk, argument: str = "") -> None:
    """Print the open session, or what a number of the last list names."""
    if not argument:
        conversation = desk.conversation
        messages = conversation.read_messages()
    else:
        listed = desk.listed_at(argument)
        conversation = desk.run(desk.services.archive.open(listed.session_id))
        messages = conversation.read_messages()
        if listed.message_id is not None:
            messages = _around(conversation, listed.message_id)
    desk.say("session", session_title(conversation))
    for message in messages:
        print_message(desk, message, conversation)


def _around(conversation: Conversation, message_id: str) -> tuple[Message, ...]:
    """A reply and the question that it answers."""
    reply = conversation.tree[message_id]
    question = conversation.tree.parent_of(reply)
    while question is not None and question.role is not Role.USER:
        question = conversation.tree.parent_of(question)
    found = (reply,) if question is None else (question, reply)
    return tuple(read_in(message, conversation.exchanges) for message in found)


def search(desk: LinearDesk, argument: str = "") -> None:
    """Search all saved replies by words and facts, such as finish:length."""
    try:
        desk.search = desk.services.review.read(argument, limit=_PAGE)
    except QueryError as error:
        marked = f"{argument[: error.at]} HERE {argument[error.at :]}"
        raise ReplyscopeError(f"The query can't be parsed: {error}.", f"Here: {marked}") from error
    desk.run(desk.services.review.update_index())
    desk.listed = []
    facets = desk.run(desk.services.index.facets(desk.search))
    if not facets.total:
        desk.say("found", "no replies")
        return
    number = plural(facets.total, "reply")
    desk.say("found", f"{number} in {plural(facets.sessions, 'session')}")
    _print_page(desk, desk.search, facets.total)


def more(desk: LinearDesk, _argument: str = "") -> None:
    """List the next results of the last search."""
    if desk.search is None:
        raise ReplyscopeError("There is no search to continue.", "/search QUERY begins one.")
    desk.search = replace(desk.search, offset=desk.search.offset + _PAGE)
    facets = desk.run(desk.services.index.facets(replace(desk.search, offset=0)))
    _print_page(desk, desk.search, facets.total)


def _print_page(desk: LinearDesk, search: Search, total: int) -> None:
    hits = desk.run(desk.services.index.find(search))
    first = len(desk.listed) + 1
    desk.listed += [_listed(hit) for hit in hits]
    rows = map(hit_sentence, hits)
    desk.terminal.lines(f"{number}. {row}" for number, row in enumerate(rows, start=first))
    rest = total - len(desk.listed)
    further = f" /more lists {min(rest, _PAGE)} of {rest} more." if rest > 0 and hits else ""
    desk.say("note", f"/show N reads a reply, /open N opens its session.{further}")


def _listed(hit: Hit) -> Listed:
    return Listed(hit.session_id, hit.title, hit.message_id, hit.exchange_id)


def start_review(desk: LinearDesk, argument: str = "") -> None:
    """Search from now on: each line without a slash is a query; /chat returns."""
    desk.is_review = True
    desk.say("review", "type a query, such as finish:length or words of a reply. /chat returns")
    if argument:
        search(desk, argument)


def end_review(desk: LinearDesk, _argument: str = "") -> None:
    """Return from the review to the open session."""
    desk.is_review = False
    desk.say("session", session_title(desk.conversation))


def _target_ids(desk: LinearDesk, argument: str) -> list[str]:
    """The sessions that a command names: numbers of the last list, or the open session."""
    if not argument:
        if desk.conversation.is_new:
            raise ReplyscopeError("This session is empty.")
        return [desk.conversation.session.id]
    numbers = argument.replace(",", " ").split()
    return list(dict.fromkeys(desk.listed_at(number).session_id for number in numbers))


def rename(desk: LinearDesk, title: str = "") -> None:
    """Rename the open session."""
    if not title:
        title = desk.terminal.ask("Title: ").strip()
    if title:
        desk.run(desk.services.archive.rename(desk.conversation.session.id, title))
        desk.say("session", session_title(desk.conversation))


def delete(desk: LinearDesk, argument: str = "") -> None:
    """Delete the open session, or numbers of the last list; /undo restores them."""
    archive = desk.services.archive
    ids = _target_ids(desk, argument)
    private = [session_id for session_id in ids if archive.is_private(session_id)]
    if private and not desk.terminal.confirm("A private session can't be restored. Delete it?"):
        return
    for session_id in ids:
        desk.run(archive.delete(session_id))
    saved = [session_id for session_id in ids if session_id not in private]
    if saved:
        what = plural(len(saved), "session")
        restore = partial(desk.services.review.restore, saved)
        desk.undo.keep(UndoableChange(f"Deleted {what}", f"Restored {what}", restore, tuple(saved)))
    if desk.conversation.session.id in ids:
        _begin(desk, is_private=False)
    hint = " /undo restores it." if saved else ""
    desk.say("note", f"{plural(len(ids), 'session')} deleted.{hint}")


def undo(desk: LinearDesk, _argument: str = "") -> None:
    """Undo the last deletion or change of labels."""
    done = desk.run(desk.undo.undo())
    if done is None:
        raise ReplyscopeError("There is nothing to undo.")
    more_left = f" {done.left} more to undo." if done.left else ""
    desk.say("note", f"{done.undone}.{more_left}")


def pin(desk: LinearDesk, argument: str = "") -> None:
    """Pin the open session or numbers of the last list, or unpin them."""
    is_on = _toggles(desk, argument, lambda labels: labels.pinned_at_ms is None)
    ids = _target_ids(desk, argument)
    _change(desk, ids, desk.services.review.pin(ids, is_on=is_on))
    desk.say("note", f"{plural(len(ids), 'session')} {'pinned' if is_on else 'unpinned'}.")


def archive(desk: LinearDesk, argument: str = "") -> None:
    """Archive the open session or numbers of the last list, or unarchive them."""
    is_on = _toggles(desk, argument, lambda labels: labels.archived_at_ms is None)
    ids = _target_ids(desk, argument)
    _change(desk, ids, desk.services.review.archive(ids, is_on=is_on))
    desk.say("note", f"{plural(len(ids), 'session')} {'archived' if is_on else 'unarchived'}.")


def tag(desk: LinearDesk, argument: str = "") -> None:
    """Add tags, or remove them with a minus: /tag 1 2 work -draft."""
    words = argument.split()
    numbers = " ".join(word for word in words if word.isdecimal())
    names = [word for word in words if not word.isdecimal()]
    if not names:
        raise ReplyscopeError("Name a tag.", "/tag work, /tag -work, /tag 1 2 work.")
    ids = _target_ids(desk, numbers)
    add = [name for name in names if not name.startswith("-")]
    remove = [name[1:] for name in names if name.startswith("-")]
    _change(desk, ids, desk.services.review.tag(ids, add, remove))
    desk.say("note", f"{plural(len(ids), 'session')} tagged.")


def _toggles(desk: LinearDesk, argument: str, is_off: Callable[[Labels], bool]) -> bool:
    """Whether to set a label: one of the sessions lacks it."""
    return any(map(is_off, desk.run(desk.services.labels.labels(_target_ids(desk, argument)))))


def _change(desk: LinearDesk, ids: list[str], change: Awaitable[None]) -> None:
    """Change labels, with an undo."""
    before = desk.run(desk.services.labels.labels(ids))
    desk.run(change)

    async def restore() -> None:
        await desk.services.labels.put_labels(before)

    labels = f"the labels of {plural(len(ids), 'session')}"
    desk.undo.keep(UndoableChange(f"Changed {labels}", f"Restored {labels}", restore))


def find(desk: LinearDesk, text: str = "") -> None:
    """Find a text in the open session."""
    if not text:
        raise ReplyscopeError("Name a text.", "/find TEXT")
    found = [m for m in desk.conversation.read_messages() if text.lower() in m.text.lower()]
    desk.say("found", plural(len(found), "message"))
    for message in found:
        print_message(desk, message, desk.conversation)


def stats(desk: LinearDesk, query: str = "") -> None:
    """Print tokens, cost, endings and latency of all replies, or of matching replies."""
    try:
        search = desk.services.review.read(query)
    except QueryError as error:
        raise ReplyscopeError(f"The query can't be parsed: {error}.") from error
    desk.run(desk.services.review.update_index())
    numbers = stats_of(desk.run(desk.services.index.figures(search)))
    desk.say("all", _sums_text(numbers.total))
    groups = (
        ("model", numbers.models[:_MOST_GROUPS]),
        ("finish", numbers.finishes),
        ("tool", numbers.tools[:_MOST_GROUPS]),
        ("prompt", numbers.prompts[:_MOST_GROUPS]),
        ("day", numbers.days[-_MOST_GROUPS:]),
    )
    for label, sums in groups:
        for one in sums:
            desk.say(label, printable_line(f"{one.name or 'none'}: {_sums_text(one)}"))


def _sums_text(sums: Sums) -> str:
    parts = [
        plural(sums.replies, "reply"),
        plural(sums.errors, "error"),
        f"{known(count(sums.output_known))} output tokens",
        f"cost {known(dollars(sums.cost_usd))}",
    ]
    if sums.ttft_p50 is not None:
        parts.append(f"first token after {seconds(sums.ttft_p50 * 1000)} (median)")
    return ", ".join(parts)
