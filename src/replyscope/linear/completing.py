"""The lists that Tab completes in the linear chat only; the engine has the common ones."""

from collections.abc import Mapping

from replyscope.domain.errors import ReplyscopeError
from replyscope.engine.argument_forms import Row
from replyscope.engine.argument_lists import List
from replyscope.linear.desk import LinearDesk
from replyscope.linear.prompts import prompt_names
from replyscope.linear.settings import chosen_tools, known_tools


def completed_lists(desk: LinearDesk) -> Mapping[str, List]:
    """The lists of the placeholders of arguments. An error is an empty list."""
    return {
        "PROMPT": lambda: [(name, "") for name in prompt_names(desk)],
        "SERVER:NAME": lambda: _server_prompts(desk),
        "TOOL": lambda: _tools(desk),
        "NAME=VALUE": lambda: _parameters(desk),
    }


def _server_prompts(desk: LinearDesk) -> list[Row]:
    toolbox = desk.services.toolbox
    if toolbox is None:
        return []
    try:
        return [(one.command, "") for one in desk.run(toolbox.prompts(chosen_tools(desk)))]
    except ReplyscopeError:
        return []


def _tools(desk: LinearDesk) -> list[Row]:
    try:
        tools, sources = known_tools(desk)
    except ReplyscopeError:
        return []
    servers = (one.name for one in sources if one.name.startswith("mcp:"))
    return [(name, "") for name in (*(tool.own_name for tool in tools), *servers)]


def _parameters(desk: LinearDesk) -> list[Row]:
    try:
        return [(f"{name}=", "") for name in desk.services.load_catalogue().parameters]
    except ReplyscopeError:
        return []
