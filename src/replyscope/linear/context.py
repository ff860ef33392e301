"""The commands of the context: what the next request holds."""

from collections.abc import Callable, Sequence

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Message, Role
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.session import SessionSettings
from replyscope.domain.typed_number import shortened, whole_number
from replyscope.engine.message_marks import leave_out, pin
from replyscope.engine.next_request import NextRequest
from replyscope.inspection.request_parts import RequestPart, RequestSize
from replyscope.inspection.sharing.request_code import as_curl, as_python
from replyscope.inspection.wire import request_body, request_head
from replyscope.linear.desk import LinearDesk

_NAMES = {Role.USER: "you", Role.ASSISTANT: "reply", Role.TOOL: "tool"}
_LONGEST = 80
_Change = Callable[[Sequence[Message], SessionSettings, str], tuple[SessionSettings, str]]
_FORMS = "list, count, json, curl or python"


def context(desk: LinearDesk, argument: str = "") -> None:
    """Print the tokens of the next request, its messages, or the request itself."""
    tools = desk.run(desk.conversation.offered_tools())
    request = NextRequest(
        desk.targets, desk.conversation, tuple(desk.attachments), tools, desk.edited
    )
    match argument:
        case "":
            _say_size(desk, request.size())
            desk.say("note", f"/context {_FORMS} shows more.")
        case "list":
            _say_messages(desk, request.size())
        case "count":
            desk.say("note", "One request: POST /responses/input_tokens.")
            _say_size(desk, desk.run(request.measured()))
        case "json" | "curl" | "python":
            _say_request(desk, request, argument)
        case _:
            raise ReplyscopeError(
                f"/context {shortened(argument)} is unknown.", f"Type {_FORMS} after /context."
            )


def cache(desk: LinearDesk, _argument: str = "") -> None:
    """Print why the last reply did or did not use the server's cache."""
    from replyscope.engine.cache_report import load_cache_report  # loaded on first use

    message, _, _ = desk.last_reply()
    conversation = desk.conversation
    report = desk.run(
        load_cache_report(desk.services.archive, conversation.tree, conversation.exchanges, message)
    )
    for sentence in report.sentences():
        desk.say("cache", printable_line(sentence))
    if report.difference is not None:
        names = {"- ": "before", "+ ": "now", "  ": "same"}
        for line in report.difference.lines():
            desk.say(names[line[:2]], printable_line(line[2:]))


def leave_message_out(desk: LinearDesk, argument: str = "") -> None:
    """Leave a message out by its number in /context list, or send it again."""
    _mark(desk, argument, leave_out)


def pin_message(desk: LinearDesk, argument: str = "") -> None:
    """Pin a message by its number in /context list, or remove its pin."""
    _mark(desk, argument, pin)


def _mark(desk: LinearDesk, argument: str, change: _Change) -> None:
    messages, settings = desk.conversation.messages, desk.conversation.session.settings
    number = whole_number(argument) or 0
    if not 1 <= number <= len(messages):
        raise ReplyscopeError(
            f"There is no message {shortened(argument)}." if argument else "Name a message.",
            "/context list numbers them.",
        )
    changed, sentence = change(messages, settings, messages[number - 1].id)
    desk.targets.check_marks(desk.conversation, changed)
    desk.apply_settings(changed)
    desk.say("note", sentence)


def _say_size(desk: LinearDesk, size: RequestSize) -> None:
    """Print the whole and the parts by kind."""
    of = "of a window of unknown size"
    if size.window is not None:
        of = f"of {size.window:,}, {100 * size.tokens / (size.window or 1):.0f} percent"
    desk.say("context", f"{size.tokens:,} tokens {of}")
    desk.say("source", size.source.value)
    for note in size.notes:
        desk.say("note", note)
    for kind, tokens in size.by_kind():
        desk.say(kind.value, f"{tokens:,} tokens")
    if size.window is not None and size.tokens > size.window:
        desk.say("warning", "The request exceeds the window.")


def _say_messages(desk: LinearDesk, size: RequestSize) -> None:
    """Print the parts of the request in their order. Messages are numbered."""
    numbers = {message.id: n for n, message in enumerate(desk.conversation.messages, start=1)}
    for part in size.parts:
        number = numbers.get(part.message_id or "")
        title = printable_line(part.title[:_LONGEST])
        if number is None:
            desk.say(part.kind.value, f"{part.tokens:,} tokens, {title}")
        else:
            desk.terminal.lines([f"{number}. {_described(desk, part, number)}: {title}"])


def _described(desk: LinearDesk, part: RequestPart, number: int) -> str:
    """The author of a message, its tokens and its mark."""
    message = desk.conversation.messages[number - 1]
    mark = desk.conversation.session.settings.mark_of(message.id)
    words = (_NAMES.get(message.role, message.role.value), f"{part.tokens:,} tokens", mark)
    return ", ".join(filter(None, words))


def _say_request(desk: LinearDesk, request: NextRequest, form: str) -> None:
    """Print the exact request as JSON, or as a command or program that sends it."""
    preview = desk.run(request.preview())
    if form == "json":
        lines = [*request_head(preview), request_body(preview)]
        desk.terminal.lines(["request:", *(printable_line(line) for line in lines)])
        return
    code = (as_curl if form == "curl" else as_python)(preview, str)
    desk.terminal.lines(printable_text(code).splitlines())
