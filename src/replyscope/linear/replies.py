"""The commands of replies: inspect, read, retry, edit, continue, and walk the branches."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Listen
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import (
    Attachment,
    Message,
    Part,
    PromptPart,
    Role,
    TextPart,
    attached_text,
)
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.typed_number import shortened, whole_number
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.tool_calls import results_under
from replyscope.inspection.comparison import compare_facts
from replyscope.inspection.explain import explain, has_text
from replyscope.inspection.figures import seconds
from replyscope.inspection.frame_change import frame_change
from replyscope.inspection.siblings import Reply
from replyscope.inspection.timeline import timeline_of
from replyscope.inspection.wire import request_body, request_head, response_lines
from replyscope.linear.desk import LinearDesk
from replyscope.linear.flow import print_flowing
from replyscope.linear.sentences import inspect_lines, known

_MOST_FRAMES = 40


def print_message(desk: LinearDesk, message: Message, conversation: Conversation) -> None:
    """Print a message with its label, and the ending of a reply."""
    label = {Role.USER: "you", Role.ASSISTANT: "reply"}.get(message.role, message.role.value)
    if message.role is Role.TOOL:
        return
    for part in message.parts:
        if isinstance(part, PromptPart):
            desk.say("prompt", printable_line(part.short_name))
        elif isinstance(part, Attachment):
            desk.say("attached", printable_line(part.name))
    print_flowing(desk.terminal, label, message.text or "no text")
    if message.sources:
        source = message.sources[-1]
        exchange = conversation.exchanges.get(source.exchange_id)
        if exchange is not None:
            results = results_under(message, conversation.tree)
            for one in inspect_lines(exchange, source.choice_index, results):
                if one[0] in ("finish", "tokens") or one[0].startswith("tool call"):
                    desk.say(*one)


def inspect(desk: LinearDesk, _argument: str = "") -> None:
    """Print everything about the last reply, in sentences."""
    message, exchange, choice = desk.last_reply()
    results = results_under(message, desk.conversation.tree)
    is_begun = has_text(message, desk.conversation.exchanges)
    for label, text in inspect_lines(exchange, choice.index, results, is_begun=is_begun):
        desk.say(label, text)


def print_reasoning(desk: LinearDesk, _argument: str = "") -> None:
    """Print the reasoning of the last reply."""
    _, _, choice = desk.last_reply()
    text = choice.reasoning
    desk.say("reasoning", printable_text(text) if text else "none in this reply")


def print_source(desk: LinearDesk, _argument: str = "") -> None:
    """Print the last reply as the model wrote it, without sentences for tables."""
    _, _, choice = desk.last_reply()
    desk.say("source", printable_text(choice.text) if choice.text else "no text in this reply")


def print_wire(desk: LinearDesk, argument: str = "") -> None:
    """Print the request, the response head and the frames of the last reply."""
    _, exchange, _ = desk.last_reply()
    record = desk.run(desk.services.archive.load_wire(exchange.id))
    first = whole_number(argument) or 1
    if first == 1 and record.request is not None:
        sent = [*request_head(record.request), request_body(record.request)]
        lines = [*sent, *response_lines(exchange)]
        desk.terminal.lines(["request:", *(printable_line(line) for line in lines)])
    shown = record.frames[first - 1 : first - 1 + _MOST_FRAMES]
    for number, frame in enumerate(shown, start=first):
        change = printable_line(frame_change(frame.text))
        desk.say(f"frame {number}", f"{frame.at_ms:,.0f} ms, {change}")
    rest = len(record.frames) - (first - 1 + len(shown))
    if rest > 0:
        desk.say("note", f"{plural(rest, 'frame')} more. /wire {first + len(shown)} continues.")
    elif not shown:
        desk.say("note", "No frames are recorded.")


def print_timeline(desk: LinearDesk, _argument: str = "") -> None:
    """Print what the last reply did, period by period."""
    message, exchange, _ = desk.last_reply()
    translate = desk.services.translate
    record = desk.run(desk.services.archive.load_wire(exchange.id))
    events = translate(exchange.api, record.frames, exchange.think_tags) if translate else ()
    results = results_under(message, desk.conversation.tree)
    timeline = timeline_of(exchange, (*record.frames, *events), results)
    for bar in timeline.bars:
        what = " ".join(dict.fromkeys(filter(None, (bar.doing.value, bar.label))))
        took = f"{seconds(bar.start_ms)} to {seconds(bar.end_ms)}"
        desk.say("time", printable_line(f"{what}, from {took}"))
    desk.say("time", f"{seconds(timeline.end_ms)} total")


def retry(desk: LinearDesk, model: str = "") -> None:
    """Request the last reply again, with another model if one is named."""
    conversation = desk.conversation
    if not conversation.messages:
        raise ReplyscopeError("There is nothing to retry yet.")

    async def start(target: Target, listen: Listen) -> str | None:
        if model:
            target = await desk.targets.named_target(target, desk.targets.find_model(model))
        return await conversation.retry(target, listen)

    desk.turns.run(start)


def continue_reply(desk: LinearDesk, _argument: str = "") -> None:
    """Request the continuation of the last reply, or read the rest of a background reply."""
    conversation = desk.conversation
    message, exchange, choice = desk.last_reply()
    if exchange.is_detached:
        desk.turns.run(_resuming(conversation))
    elif not has_text(message, conversation.exchanges):
        raise ReplyscopeError("There is no text to continue.", "/retry requests it again.")
    elif choice.finish_reason is FinishReason.STOP:
        raise ReplyscopeError("The model finished this reply.", "Send your next message.")
    else:
        desk.turns.run(conversation.continue_reply)


def raise_limit(desk: LinearDesk, _argument: str = "") -> None:
    """Double the limit of output tokens, then continue the last reply."""
    settings = desk.conversation.session.settings
    limit = desk.targets.parameters_of(desk.conversation).max_tokens
    _, _, choice = desk.last_reply()
    if choice.finish_reason is not FinishReason.LENGTH:
        raise ReplyscopeError("No limit cut this reply.")
    if limit is None:
        raise ReplyscopeError(
            "No limit is set here; the model's own limit cut this reply.",
            "/continue requests the rest.",
        )
    parameters = replace(settings.parameters, max_tokens=limit * 2)
    desk.apply_settings(replace(settings, parameters=parameters))
    desk.say("note", f"max_tokens is now {limit * 2:,}")
    continue_reply(desk)


def run_tools(desk: LinearDesk, _argument: str = "") -> None:
    """Run the waiting tool calls, or send their results."""
    if not desk.conversation.waiting_calls():
        raise ReplyscopeError("No tool call waits here.")
    desk.turns.run(desk.conversation.run_tools)


def edit(desk: LinearDesk, argument: str = "") -> None:
    """Write the last message of the person again; both versions are kept."""
    mine = [m for m in desk.conversation.messages if m.role is Role.USER]
    if not mine:
        raise ReplyscopeError("There is no message of yours to edit.")
    desk.edited = mine[-1]
    if argument:
        send_text(desk, argument)
        return
    desk.say("edit", printable_text(mine[-1].text))
    desk.say("note", "Your next message replaces it, in a branch of its own. Both are kept.")


def send_text(desk: LinearDesk, text: str) -> bool:
    """Send a message with the attachments. Returns whether it was sent."""
    files = [attached_text(part) for part in desk.attachments]
    found = [key for one in (text, *files) for key in desk.services.keys.find_keys(one)]
    if found:
        shown = printable_line(", ".join(dict.fromkeys(found[:3])))
        desk.say("warning", f"This message contains an API key: {shown}.")
        if not desk.terminal.confirm("The model and its provider will see it. Send it?"):
            desk.say("note", "Nothing was sent.")
            return False
    parts: tuple[Part, ...] = (*desk.attachments, *([TextPart(text)] if text.strip() else []))
    is_sent = desk.turns.send(parts)
    if is_sent:
        desk.attachments.clear()
    return is_sent


def branches(desk: LinearDesk, argument: str = "") -> None:
    """List the versions of the last question and reply, or open one by its number."""
    rows = _several_versions(desk.conversation)
    if not argument:
        shown = [_version_text(desk.conversation, message) for message in rows]
        desk.terminal.lines(f"{n}. {text}" for n, text in enumerate(shown, start=1))
        desk.say("note", "/branches N opens one.")
        return
    number = whole_number(argument)
    if number is None or not 1 <= number <= len(rows):
        raise ReplyscopeError(
            f"There is no version {shortened(argument)}.", "/branches lists them."
        )
    _open_version(desk, rows[number - 1])


def next_version(desk: LinearDesk, _argument: str = "") -> None:
    """Open the next version of the last reply or question."""
    _walk(desk, 1)


def previous_version(desk: LinearDesk, _argument: str = "") -> None:
    """Open the previous version of the last reply or question."""
    _walk(desk, -1)


def _walk(desk: LinearDesk, step: int) -> None:
    rows = _several_versions(desk.conversation)
    now = {message.id for message in desk.conversation.messages}
    at = next(number for number, message in enumerate(rows) if message.id in now)
    _open_version(desk, rows[(at + step) % len(rows)])


def _open_version(desk: LinearDesk, message: Message) -> None:
    conversation = desk.conversation
    desk.run(conversation.go_to(message.id))
    for one in conversation.read_messages()[-2:]:
        print_message(desk, one, conversation)


def fork(desk: LinearDesk, _argument: str = "") -> None:
    """Continue from here in a new session."""
    if not desk.conversation.messages:
        raise ReplyscopeError("There is nothing to fork yet.")
    last = desk.conversation.messages[-1].id
    desk.open(desk.run(desk.services.archive.fork(desk.conversation, last)))
    desk.say("session", printable_line(desk.conversation.session.title))


def compare(desk: LinearDesk, argument: str = "") -> None:
    """Compare the facts of two versions of the last reply; with names of models, request the
    reply from each of them at once first.
    """
    words = argument.replace(",", " ").split()
    if any(whole_number(word) is None for word in words):
        _ask_each(desk, words)
        return
    replies = [
        reply for m in _versions(desk.conversation) if (reply := _reply(desk.conversation, m))
    ]
    numbers = [whole_number(word) or 0 for word in words] or [1, 2]
    if len(numbers) != 2 or not all(1 <= number <= len(replies) for number in numbers):
        raise ReplyscopeError("Name two versions of a reply.", "/branches lists them.")
    first, second = (replies[number - 1] for number in numbers)
    for row in compare_facts(first, second):
        text = f"{known(row.first)}, and {known(row.second)}" if row.differs else known(row.first)
        desk.say(row.label, printable_line(text))


def _ask_each(desk: LinearDesk, names: Sequence[str]) -> None:
    conversation = desk.conversation
    if not conversation.messages:
        raise ReplyscopeError("There is no reply to compare yet.")

    async def start(target: Target, listen: Listen) -> str | None:
        models = [desk.targets.parse_model(name) for name in names]
        targets = [await desk.targets.named_target(target, model) for model in models]
        return await conversation.retry_each(targets, listen)

    desk.turns.run(start, replies=len(names))


def _resuming(conversation: Conversation) -> Callable[[Target, Listen], Awaitable[str | None]]:
    async def start(target: Target, listen: Listen) -> str | None:
        await conversation.resume(target, listen)
        return None

    return start


def _several_versions(conversation: Conversation) -> list[Message]:
    """As `_versions`. Raises ReplyscopeError if there is only one."""
    rows = _versions(conversation)
    if not rows:
        raise ReplyscopeError("There is only one version.", "/retry and /edit create more.")
    return rows


def _versions(conversation: Conversation) -> list[Message]:
    """The versions of the last message that has several; empty without one."""
    for message in reversed(conversation.messages):
        siblings = conversation.tree.siblings(message)
        if len(siblings) > 1:
            return list(siblings)
    return []


def _reply(conversation: Conversation, message: Message) -> Reply | None:
    if not message.sources:
        return None
    source = message.sources[-1]
    exchange = conversation.exchanges.get(source.exchange_id)
    return None if exchange is None else (exchange, source.choice_index)


def _version_text(conversation: Conversation, message: Message) -> str:
    reply = _reply(conversation, message)
    is_open = any(one.id == message.id for one in conversation.messages)
    mark = ", open now" if is_open else ""
    if reply is None:
        return printable_line(f"you{mark}: {_beginning(message.text)}")
    exchange, index = reply
    ending = explain(exchange, index).word
    begin = _beginning(exchange.choice(index).text)
    return printable_line(f"{exchange.model}, finish {ending}{mark}: {begin}")


def _beginning(text: str) -> str:
    return " ".join(text[:500].split())[:80]
