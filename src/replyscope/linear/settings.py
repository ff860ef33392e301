"""The commands of a session's settings: system prompt, parameters, schema, tools, files."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.json_text import read_json
from replyscope.domain.message import byte_size
from replyscope.domain.plural import plural
from replyscope.domain.printable import exact_line, printable_line, printable_text
from replyscope.domain.tool import Tool, ToolSource
from replyscope.domain.typed_path import typed_path
from replyscope.engine.parameter_layers import effective, source_of
from replyscope.engine.parameter_texts import text_of, with_typed
from replyscope.engine.schemas import read_schema
from replyscope.inspection.context import attachment_tokens
from replyscope.inspection.figures import size
from replyscope.linear.desk import LinearDesk

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue


def system(desk: LinearDesk, text: str = "") -> None:
    """Print the system prompt, or replace it; `off` removes it."""
    settings = desk.conversation.session.settings
    if text:
        settings = replace(settings, system=None if text == "off" else text)
        desk.apply_settings(settings)
    desk.say("system", printable_text(settings.system) if settings.system else "none")


def parameters(desk: LinearDesk, argument: str = "") -> None:
    """Print the parameters that are set, or set them: /params temperature=0.2 max_tokens= .

    A word shows the parameters whose name or documentation has it.
    """
    catalogue, targets = desk.services.load_catalogue(), desk.targets
    pairs = _typed_pairs(argument)
    if argument and not pairs:
        _say_found(desk, catalogue, argument)
        return
    settings = desk.conversation.session.settings
    changed = settings.parameters
    api = targets.endpoint.api if targets.endpoint is not None else None
    for name, value in pairs:
        changed = with_typed(changed, catalogue, name, value, api)
    if pairs:
        desk.apply_settings(replace(settings, parameters=changed))
        desk.say("note", "Applies from the next message.")
    layers = targets.parameter_layers(desk.conversation)
    given = effective(layers).given()
    for name, value in given.items():
        desk.say(name, printable_line(f"{text_of(value)}, from the {source_of(name, layers)}"))
    for name in changed.unset or ():
        desk.say(name, "not sent")
    if not given and not changed.unset:
        desk.say("note", "No parameter is set: the server's defaults apply.")


def _typed_pairs(argument: str) -> list[tuple[str, str]]:
    """The pairs NAME=VALUE of an argument. A value may have spaces, as in JSON."""
    name, equals, text = argument.partition("=")
    if equals and name.isidentifier() and _is_json(text):
        return [(name, text.strip())]
    starts = list(re.finditer(r"(?:^|(?<=\s))([A-Za-z_][\w.-]*)=", argument))
    if not starts or starts[0].start():
        return []
    ends = [*(one.start() for one in starts[1:]), len(argument)]
    return [
        (one[1], argument[one.end() : end].strip()) for one, end in zip(starts, ends, strict=True)
    ]


def _is_json(text: str) -> bool:
    """Whether a text is a whole JSON value, which may contain ` name=`."""
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _say_found(desk: LinearDesk, catalogue: "Catalogue", text: str) -> None:
    """Print the parameters that match a text. Raises ParameterFault if none does."""
    words = text.lower().split()
    found = [
        one
        for one in catalogue.parameters.values()
        if all(word in f"{one.name} {one.documentation}".lower() for word in words)
    ]
    if not found:
        catalogue.find(text)
    for one in found:
        desk.say(one.name, printable_line(f"{one.phrase()}. {one.help}"))


def choices(desk: LinearDesk, number: str = "") -> None:
    """Request several replies to each message; 1 is the default of servers."""
    if not number:
        n = desk.targets.parameters_of(desk.conversation).n or 1
        desk.say("n", f"{plural(n, 'reply')} to each message")
        return
    default = effective(desk.targets.parameter_layers(desk.conversation)[:-1]).n or 1
    parameters(desk, f"n={'' if number == str(default) else number}")


def schema(desk: LinearDesk, path: str = "") -> None:
    """Request replies that match the JSON schema of a file; `off` removes it."""
    settings = desk.conversation.session.settings
    if path:
        file = desk.services.working_folder / typed_path(path)
        settings = replace(settings, schema=None if path == "off" else read_schema(file))
        desk.apply_settings(settings)
    desk.say("schema", printable_line(settings.schema.name) if settings.schema else "off")


def attach(desk: LinearDesk, path: str = "") -> None:
    """Attach a file to the next message, or list the attachments; `off` removes them."""
    if path == "off":
        desk.attachments.clear()
    elif path:
        file = desk.services.working_folder / typed_path(path)
        _attach(desk, file)
    for part in desk.attachments:
        form = desk.targets.forms.form_of(part)
        words = [part.name, size(byte_size(part)), f"≈{attachment_tokens(part):,} tokens"]
        desk.say("attached", printable_line(", ".join([*words, *([form] if form else [])])))
    for said in desk.targets.forms.rejections(desk.conversation, desk.attachments):
        desk.say("warning", printable_line(said))
    if not desk.attachments:
        desk.say("attached", "nothing")


def _attach(desk: LinearDesk, file: Path) -> None:
    """Attach a file or a folder, and print what was changed."""
    reader = desk.services.attachments
    assert reader is not None
    attached = desk.run(reader.read(file))
    desk.attachments += attached.parts
    for note in attached.notes:
        desk.say("note", printable_line(note))


def tools(desk: LinearDesk, argument: str = "") -> None:
    """List the tools, or offer them: on, off, NAME on, NAME off."""
    known, sources = known_tools(desk)
    chosen = chosen_tools(desk)
    if argument:
        chosen = _changed(argument, chosen, known, sources)
        desk.apply_settings(replace(desk.conversation.session.settings, tools=chosen))
    for tool in known:
        is_on = tool.is_named_in(chosen)
        _say_tool(desk, tool.own_name, f"from {exact_line(tool.origin)}", is_on=is_on)
    for source in sources:
        if source.name.startswith("mcp:"):
            _say_tool(desk, source.name, source.fault or source.state, is_on=source.name in chosen)
        elif source.fault:
            desk.say("error", printable_line(f"{source.name}: {source.fault}"))
    if argument:
        desk.say("note", "Applies from the next message.")


def _say_tool(desk: LinearDesk, name: str, about: str, *, is_on: bool) -> None:
    desk.say("tool", exact_line(f"{name}, {'on' if is_on else 'off'}, {about}"))


def known_tools(desk: LinearDesk) -> tuple[tuple[Tool, ...], tuple[ToolSource, ...]]:
    """The tools of this machine, and all sources. Raises ReplyscopeError."""
    toolbox = desk.services.toolbox
    if toolbox is None:
        raise ReplyscopeError("There are no tools in this chat.")

    async def load() -> tuple[tuple[Tool, ...], tuple[ToolSource, ...]]:
        sources = await toolbox.sources()
        functions = [source.name for source in sources if not source.name.startswith("mcp:")]
        return await toolbox.offer(functions), sources

    return desk.run(load())


def chosen_tools(desk: LinearDesk) -> tuple[str, ...]:
    """The names of the tools that the open session offers."""
    own = desk.conversation.session.settings.tools
    return desk.services.tool_settings().enabled if own is None else own


def _changed(
    argument: str,
    chosen: tuple[str, ...],
    known: tuple[Tool, ...],
    sources: tuple[ToolSource, ...],
) -> tuple[str, ...]:
    """The names of the tools to offer after a command. Raises ReplyscopeError."""
    servers = [source.name for source in sources if source.name.startswith("mcp:")]
    *names, word = argument.split()
    if word not in ("on", "off"):
        names, word = [*names, word], "on"
    all_names = [tool.full_name for tool in known] + servers
    wanted: set[str] = set() if names else set(all_names)
    for name in names:
        fitting = {tool.full_name for tool in known if tool.is_named_in((name,))}
        fitting |= {server for server in servers if server in (name, f"mcp:{name}")}
        if not fitting:
            raise ReplyscopeError(f"There is no tool {name}.", "/tools lists them.")
        wanted |= fitting
    is_on = {tool.full_name for tool in known if tool.is_named_in(chosen)}
    is_on |= set(servers) & set(chosen)
    after = is_on | wanted if word == "on" else is_on - wanted
    return tuple(name for name in all_names if name in after)


def hosted(desk: LinearDesk, wire: str = "") -> None:
    """Offer a tool that the provider runs, by its JSON; `off` removes all."""
    settings = desk.conversation.session.settings
    if wire == "off":
        settings = replace(settings, hosted=())
    elif wire:
        try:
            value = json.loads(wire)
        except ValueError as error:
            raise ReplyscopeError(f"This is not JSON: {error}.") from error
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise ReplyscopeError("A hosted tool is a JSON object with a type.")
        added = dict.fromkeys((*settings.hosted, json.dumps(value)))
        settings = replace(settings, hosted=tuple(added))
    if wire:
        desk.apply_settings(settings)
    for one in settings.hosted:
        desk.say("hosted", printable_line(one))
    if not settings.hosted:
        desk.say("hosted", "none")


def add_server(desk: LinearDesk, pasted: str = "") -> None:
    """Add a tool server by its JSON entry, and offer its tools here."""
    if not pasted:
        pasted = desk.terminal.ask('Entry, such as {"mcpServers": {"time": {...}}}: ')
    added = [f"mcp:{server.name}" for server in desk.services.add_servers(pasted)]
    chosen = tuple(dict.fromkeys((*chosen_tools(desk), *added)))
    desk.apply_settings(replace(desk.conversation.session.settings, tools=chosen))
    toolbox = desk.services.toolbox
    if toolbox is None:
        return

    async def start() -> tuple[ToolSource, ...]:
        await toolbox.offer(added)
        return await toolbox.sources()

    for source in desk.run(start()):
        if source.name in added:
            words = "; ".join((source.fault or source.state, *source.notes))
            desk.say("server", printable_line(f"{source.name}: {words}"))
    desk.say("note", f"{plural(len(added), 'server')} added.")
