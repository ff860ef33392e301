"""The sections of the settings file about tools: limits, and rules for calls."""

from typing import ClassVar

from replyscope.config.setting import JsonSchema, Setting, number, pairs, tables, text, texts, whole
from replyscope.domain import limits

_TOOL = text(pattern="/")
_TOOL_HELP = "SOURCE/NAME, such as shipped/read_file; * matches anything"
_ARGUMENTS_HELP = "patterns of arguments, by name"


class AllowSection:
    """`[[tools.allow]]`."""

    rules: ClassVar[JsonSchema] = {"required": ["tool"]}
    tool = Setting(_TOOL, '"shipped/read_file"', help=_TOOL_HELP)
    arguments = Setting(pairs(), '{ path = "docs/*" }', help=_ARGUMENTS_HELP)


class DenySection:
    """`[[tools.deny]]`."""

    rules: ClassVar[JsonSchema] = {"required": ["tool"]}
    tool = Setting(_TOOL, '"mcp:github/*"', help=_TOOL_HELP)
    arguments = Setting(pairs(), help=_ARGUMENTS_HELP)


class ToolsSection:
    """`[tools]`."""

    enabled = Setting(
        texts(),
        '["current_time", "calculate", "mcp:git"]',
        "tools and sources to start with",
    )
    rounds = Setting(
        whole(limits.ROUNDS),
        "10",
        "consecutive replies with tool calls before it asks to continue",
    )
    timeout_s = Setting(
        number(limits.TOOL_TIMEOUT_S),
        "60",
        "time limit of a call, in seconds",
    )
    max_output = Setting(
        whole(limits.TOOL_OUTPUT), "50000", "characters of a result that are sent to the model"
    )
    budget_tokens = Setting(
        whole(limits.BUDGET_TOKENS), "100000", "tokens of a turn before it asks to continue"
    )
    budget_usd = Setting(
        number(limits.BUDGET_USD),
        "0.50",
        "cost of a turn, in dollars, before it asks to continue",
    )
    http_hosts = Setting(texts(), '["example.org"]', "hosts that http_get may contact")
    processes = Setting(
        whole(limits.TOOL_PROCESSES),
        "8",
        "tool processes at a time; further calls wait",
    )
    environment = Setting(
        texts(),
        '["MY_TOKEN"]',
        "variables passed to your tool files besides PATH, HOME …",
    )
    allow = Setting(
        tables(AllowSection),
        "",
        "calls that run without asking; set patterns for all arguments",
        header="[[tools.allow]]",
    )
    deny = Setting(tables(DenySection), "", "calls that never run", header="[[tools.deny]]")
