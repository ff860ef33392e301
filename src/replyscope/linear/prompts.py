"""The commands of the prompt library: list prompts, use one, write one, make one of a message."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import PromptPart
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.prompt import Prompt, Variable, value_fault
from replyscope.engine.prompts import (
    Filled,
    check_prompts,
    describe_prompt,
    fill,
    find_prompt,
    is_complete,
    model_of,
    read_arguments,
    starting_values,
    with_filled,
)
from replyscope.inspection.prompt_view import about_variable
from replyscope.linear.desk import LinearDesk
from replyscope.linear.replies import send_text
from replyscope.linear.settings import attach
from replyscope.linear.targets import use_found

_SAVE, _NEW, _EDIT = "save", "new", "edit"
_MOST_TRIES = 5


def prompts(desk: LinearDesk, text: str = "") -> None:
    """List the prompts, or use one. `save NAME` makes one of the last message."""
    word, _, name = text.partition(" ")
    name = name.strip()
    if not text:
        _list(desk)
    elif word == _SAVE and name:
        _save_message(desk, name)
    elif word in (_NEW, _EDIT) and name:
        _write(desk, name, is_new=word == _NEW)
    else:
        use_prompt(desk, word, name)


def has_prompt(desk: LinearDesk, name: str) -> bool:
    """Whether the library has a file for a prompt."""
    known = desk.services.prompts().read()
    return name in known.by_name or name in known.faults


def prompt_names(desk: LinearDesk) -> tuple[str, ...]:
    """The names of the prompts; none if the library can't be read."""
    try:
        return tuple(desk.services.prompts().read().by_name)
    except ReplyscopeError:
        return ()


def use_prompt(desk: LinearDesk, name: str, text: str = "") -> None:
    """Fill a prompt, and send it. `text` has values, as in `language=German`, and the input.
    Questions ask for missing values.
    """
    library = desk.services.prompts()
    prompt = find_prompt(library.read(), name)
    desk.run(check_prompts([prompt], library, desk.services.load_catalogue))
    given, rest = read_arguments(prompt, text)
    is_asking = not is_complete(prompt, given, rest)
    if is_asking:
        given, rest = _ask(desk, prompt, given, rest)
    used = fill([prompt], given, rest)
    if is_asking:
        desk.say("prompt", printable_text(used.text))
        if not desk.terminal.confirm("Send it?"):
            return
    if given and not desk.conversation.is_private:
        desk.run(desk.conversation.remember_values(name, given))
    _send(desk, used)


def _send(desk: LinearDesk, used: Filled) -> None:
    """Send a filled prompt. A prompt that is not sent leaves nothing attached."""
    before, is_sent = [*desk.attachments], False
    try:
        _apply(desk, used)
        is_sent = send_text(desk, used.text)
    finally:
        if not is_sent:
            desk.attachments = before


def _ask(
    desk: LinearDesk, prompt: Prompt, given: dict[str, str], text: str
) -> tuple[dict[str, str], str]:
    """The values and the input, after a numbered question for each that is not given."""
    last = desk.run(desk.services.history.last_values(prompt.name))
    values = starting_values(prompt, last, given)
    missing = [one for one in prompt.variables if one.name not in given]
    needs_text = prompt.takes_input and not text
    count = len(missing) + needs_text
    for number, one in enumerate(missing, start=1):
        values[one.name] = _ask_value(desk, f"{number} of {count}", one, values[one.name])
    if needs_text:
        text = desk.terminal.ask(f"{count} of {count}. text: ")
    return values, text


def _ask_value(desk: LinearDesk, place: str, variable: Variable, value: str) -> str:
    """A valid value; Enter accepts the shown one. Raises ReplyscopeError."""
    keeps = f", Enter for {value}" if value else ""
    desk.say("prompt", printable_line(f"{place}. {variable.name}: {about_variable(variable)}"))
    for _ in range(_MOST_TRIES):
        typed = desk.terminal.ask(f"{variable.name}{keeps}: ").strip() or value
        is_empty = not typed and variable.default is not None
        why = value_fault(variable, typed) if typed else "needs a value"
        if is_empty or why is None:
            return typed
        desk.say("error", printable_line(f"{variable.name} {why}."))
    raise ReplyscopeError(f"The prompt needs a value for {variable.name}.")


def _apply(desk: LinearDesk, used: Filled) -> None:
    """Attach the files of a prompt, then apply its settings: not if a file can't be read."""
    for path in used.files:
        attach(desk, path)
    known = desk.services.settings
    settings = desk.conversation.session.settings
    with_filled(settings, used, known)  # its schema may be unreadable
    model = model_of(used.prompts, known)
    if model is not None:
        use_found(desk, desk.targets.parse_model(model))
    before = desk.conversation.session.settings
    settings = with_filled(before, used, known)
    if settings != before:
        desk.apply_settings(settings)
    others = [one for one in desk.attachments if not isinstance(one, PromptPart)]
    desk.attachments = [*others, *used.parts]


def _list(desk: LinearDesk) -> None:
    known = desk.services.prompts().read()
    for name, one in known.by_name.items():
        about = describe_prompt(one).replace(" · ", ", ")
        desk.say("prompt", printable_line(f"{name}, {about}"))
    for why in known.faults.values():
        desk.say("error", printable_line(f"Not used: {why}"))
    if not known.by_name:
        desk.say("prompt", "none. /prompts new NAME writes one")


def _write(desk: LinearDesk, name: str, *, is_new: bool) -> None:
    """Write a prompt in $EDITOR."""
    editing = desk.prompt_writing.begin(name, is_new=is_new)
    edited = desk.services.edit_text(editing.text)
    if not editing.changes(edited):
        desk.say("prompt", "not saved: the text is not changed")
        return
    _save(desk, name, edited)


def _save(desk: LinearDesk, name: str, text: str) -> None:
    desk.prompt_writing.save(name, text)
    desk.services.prompts().parse(name, text)
    desk.say("prompt", printable_line(f"{name} was saved. /prompts {name} uses it."))


def _save_message(desk: LinearDesk, name: str) -> None:
    if desk.conversation.is_private:
        raise ReplyscopeError("Private sessions cannot save prompts.")
    messages = reversed(desk.conversation.messages)
    text, replaces = desk.prompt_writing.text_of_message(name, messages)
    if replaces and not desk.terminal.confirm(printable_line(f"Replace the prompt {name}?")):
        return
    _save(desk, name, text)
