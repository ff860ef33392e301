"""The command of a tool call: read its result, copy it, try it again, or answer it by hand."""

from collections.abc import Callable

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import ToolCall
from replyscope.domain.printable import exact_line, exact_text, printable_line
from replyscope.domain.tool import ToolCallState
from replyscope.engine.tool_calls import calls_of, results_under, with_result
from replyscope.inspection.arguments import pretty_arguments
from replyscope.linear.copying import copy_text
from replyscope.linear.desk import LinearDesk


def open_call(desk: LinearDesk, number: str = "") -> None:
    """Choose a command on a tool call of the last reply."""
    call = _choose_call(desk, number)
    if call is None:
        return
    commands: dict[str, Callable[[LinearDesk, ToolCall], None]] = {
        "read the arguments": _read_arguments,
        "read the result": _read_result,
        "try again, without sending the result": _try_again,
    }
    if desk.terminal.has_clipboard:
        commands |= {"copy the arguments": _copy_arguments, "copy the result": _copy_result}
    if call.state is ToolCallState.REQUESTED:
        commands["write the result yourself; the tool does not run"] = _answer_by_hand
    place = desk.terminal.choose(f"{exact_line(call.name)}:", commands)
    if place is not None:
        list(commands.values())[place](desk, call)


def _choose_call(desk: LinearDesk, number: str) -> ToolCall | None:
    conversation = desk.conversation
    message, _, _ = desk.last_reply()
    while not (found := calls_of(message, conversation.exchanges)):
        parent = conversation.tree.parent_of(message)
        if parent is None:
            raise ReplyscopeError("There is no tool call in this session.")
        message = parent
    results = results_under(message, conversation.tree)
    calls = [with_result(call, results) for call in found]
    if len(calls) == 1 and not number:
        return calls[0]
    rows = [f"{exact_line(call.name)}, {call.state.value}" for call in calls]
    place = desk.terminal.choose("Tool calls:", rows, number)
    return None if place is None else calls[place]


def _read_arguments(desk: LinearDesk, call: ToolCall) -> None:
    desk.say("arguments", exact_text(pretty_arguments(call.arguments)) or "none")


def _read_result(desk: LinearDesk, call: ToolCall) -> None:
    desk.say("result", exact_text(call.result) if call.result else "none")


def _copy_arguments(desk: LinearDesk, call: ToolCall) -> None:
    copy_text(desk, call.arguments, "Arguments")


def _copy_result(desk: LinearDesk, call: ToolCall) -> None:
    copy_text(desk, call.result or "", "Result")


def _try_again(desk: LinearDesk, call: ToolCall) -> None:
    _read_arguments(desk, call)
    typed = desk.terminal.ask("Arguments as JSON, or Enter to keep them: ").strip()
    try:
        outcome = desk.run(desk.conversation.try_call(call, typed or call.arguments))
    except TimeoutError as error:
        raise ReplyscopeError("The tool took too long and was stopped.") from error
    text = f"{outcome.output}\n{outcome.detail}".strip() or "nothing"
    desk.say("failed" if outcome.is_error else "result", exact_text(text))


def _answer_by_hand(desk: LinearDesk, call: ToolCall) -> None:
    text = desk.terminal.ask("Result, for the model: ")
    desk.run(desk.conversation.answer_by_hand(call.id, text))
    desk.say("note", printable_line(f"Saved as the result of {call.name}. /run sends it."))
