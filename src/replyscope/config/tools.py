"""Reads the tool settings: enabled tools, limits, consent rules and servers."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from replyscope.config.checks import Table
from replyscope.config.mcp import read_server
from replyscope.config.tool_table import AllowSection, DenySection, ToolsSection
from replyscope.domain.glob import glob_of
from replyscope.domain.tool import ConsentRule, McpServer, ToolSettings


def read_tools(table: Table, servers: Table) -> ToolSettings:
    """The settings of [tools] and [mcp.*]. Raises SettingsError."""
    defaults = ToolSettings()
    entry = ToolsSection
    rounds, most = entry.rounds.read(table), entry.max_output.read(table)
    settings = ToolSettings(
        enabled=entry.enabled.read(table) or (),
        timeout_s=entry.timeout_s.read(table) or defaults.timeout_s,
        rounds=defaults.rounds if rounds is None else rounds,
        most_output=defaults.most_output if most is None else most,
        budget_tokens=entry.budget_tokens.read(table),
        processes=entry.processes.read(table) or defaults.processes,
        environment=entry.environment.read(table) or (),
        budget_usd=entry.budget_usd.read(table),
        http_hosts=entry.http_hosts.read(table) or (),
        consent=(
            *_rules(entry.deny.read(table), DenySection, False),
            *_rules(entry.allow.read(table), AllowSection, True),
        ),
        servers=tuple(_named(servers, name) for name in servers.names()),
    )
    table.finish()
    return settings


def _rules(
    tables: Sequence[Table], entry: type[AllowSection | DenySection], allows: bool
) -> Iterator[ConsentRule]:
    for rule in tables:
        tool = entry.tool.read(rule)
        if tool is None or "/" not in tool:
            raise rule.reject("tool", "must be SOURCE/NAME, such as shipped/read_file")
        patterns = tuple(entry.arguments.read(rule).items())
        for name, pattern in patterns:
            fault = _fault_of(pattern)
            if fault is not None:
                raise rule.reject("arguments", f"has an invalid pattern for {name}: {fault}")
        if (fault := _fault_of(tool)) is not None:
            raise rule.reject("tool", f"is an invalid pattern: {fault}")
        rule.finish()
        yield ConsentRule(tool, allows, patterns)


def _fault_of(pattern: str) -> str | None:
    """The error of a pattern: a bracket, or `..` after `**`; None for a valid one."""
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
