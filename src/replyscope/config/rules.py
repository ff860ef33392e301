"""Reads the rules of the settings. An invalid rule is reported with its line and skipped."""

from collections.abc import Sequence

from replyscope.config.checks import Table
from replyscope.config.setting_table import RuleSection
from replyscope.domain.errors import SettingsError
from replyscope.domain.query import QueryError, parse_query
from replyscope.domain.rule import Action, Rule


def read_rules(tables: Sequence[Table]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules of [[rule]], and an error sentence for each invalid one."""
    rules, faults = [], []
    for number, table in enumerate(tables, start=1):
        try:
            rules.append(_read_rule(table))
        except SettingsError as error:
            faults.append(f"Rule {number} is not used: {error.message}")
    return tuple(rules), tuple(faults)


def _read_rule(table: Table) -> Rule:
    entry = RuleSection
    when = entry.when.read(table)
    if not when:
        raise table.reject("when", "is missing")
    try:
        query = parse_query(when)
    except QueryError as error:
        raise table.reject(
            "when", f"is an invalid query, at character {error.at + 1}: {error}"
        ) from error
    action = entry.do.read(table)
    if action is None:
        raise table.reject("do", f"is missing; allowed: {', '.join(Action)}")
    most = entry.max.read(table) or 1
    rule = Rule(
        when=when,
        query=query,
        action=Action(action),
        most=most,
        model=entry.model.read(table),
        file=entry.file.read(table),
        command=entry.command.read(table) or (),
        variables=entry.env.read(table) or (),
    )
    if rule.action is Action.SAVE and not rule.file:
        raise table.reject("file", "is missing: the file to save to")
    if rule.action is Action.RUN and not rule.command:
        raise table.reject("command", 'is missing: a list such as ["jq", "."]')
    table.finish()
    return rule
