"""Reads what the settings say about tools: which are offered, limits, consent, servers."""

from collections.abc import Iterator
from itertools import pairwise

from replyscope.config.checks import Table
from replyscope.config.mcp import read_server
from replyscope.domain import limits
from replyscope.domain.glob import glob_of
from replyscope.domain.tool import ConsentRule, McpServer, ToolSettings


def read_tools(table: Table, servers: Table) -> ToolSettings:
    """The settings of [tools] and [mcp.*]. Raises SettingsError."""
    defaults = ToolSettings()
    rounds, most = (
        table.whole("rounds", limits.ROUNDS),
        table.whole("max_output", limits.TOOL_OUTPUT),
    )
    settings = ToolSettings(
        enabled=table.texts("enabled") or (),
        timeout_s=table.number("timeout_s", limits.TOOL_TIMEOUT_S) or defaults.timeout_s,
        rounds=defaults.rounds if rounds is None else rounds,
        most_output=defaults.most_output if most is None else most,
        budget_tokens=table.whole("budget_tokens", limits.BUDGET_TOKENS),
        processes=table.whole("processes", limits.TOOL_PROCESSES) or defaults.processes,
        environment=table.texts("environment") or (),
        budget_usd=table.number("budget_usd", limits.BUDGET_USD),
        http_hosts=table.texts("http_hosts") or (),
        consent=(*_rules(table, "deny", False), *_rules(table, "allow", True)),
        servers=tuple(_named(servers, name) for name in servers.names()),
    )
    table.finish()
    return settings


def _rules(table: Table, key: str, allows: bool) -> Iterator[ConsentRule]:
    for rule in table.tables(key):
        tool = rule.text("tool")
        if tool is None or "/" not in tool:
            raise rule.reject("tool", "must be SOURCE/NAME, such as shipped/read_file")
        patterns = tuple(rule.pairs("arguments").items())
        for name, pattern in patterns:
            fault = _fault_of(pattern)
            if fault is not None:
                raise rule.reject("arguments", f"has a pattern for {name} that is wrong: {fault}")
        if (fault := _fault_of(tool)) is not None:
            raise rule.reject("tool", f"is wrong: {fault}")
        rule.finish()
        yield ConsentRule(tool, allows, patterns)


def _fault_of(pattern: str) -> str | None:
    """What is wrong with a pattern: a bracket, or a way up from an unknown place."""
    try:
        glob_of(pattern)
    except ValueError as error:
        return str(error)
    above = pattern.split("/")
    if any(step == ".." and "**" in before for before, step in pairwise(above)):
        return "`..` can't follow `**`"
    return None


def _named(servers: Table, name: str) -> McpServer:
    try:
        return read_server(name, servers.values(name))
    except ValueError as error:
        raise servers.reject(name, str(error)) from error
