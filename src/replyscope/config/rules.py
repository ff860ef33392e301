"""Reads the rules of the settings. One that is wrong is told with its place; the rest work."""

from replyscope.config.checks import Table
from replyscope.domain.errors import SettingsError
from replyscope.domain.limits import Limits
from replyscope.domain.query import QueryError, parse_query
from replyscope.domain.rule import Action, Rule

_MOST = 20


def read_rules(root: Table) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules of [[rule]], and a sentence about each that can't be used."""
    rules, faults = [], []
    for number, table in enumerate(root.tables("rule"), start=1):
        try:
            rules.append(_read_rule(table))
        except SettingsError as error:
            faults.append(f"Rule {number} is not used: {error.message}")
    return tuple(rules), tuple(faults)


def _read_rule(table: Table) -> Rule:
    when = table.text("when")
    if not when:
        raise table.reject("when", "is missing")
    try:
        query = parse_query(when)
    except QueryError as error:
        raise table.reject("when", f"can't be read at {error.at + 1}: {error}") from error
    action = table.one_of("do", [action.value for action in Action])
    if action is None:
        raise table.reject("do", f"is missing; allowed: {', '.join(Action)}")
    most = table.whole("max", Limits(1, _MOST)) or 1
    rule = Rule(
        when=when,
        query=query,
        action=Action(action),
        most=most,
        model=table.text("model"),
        file=table.text("file"),
        command=table.texts("command") or (),
        variables=table.texts("env") or (),
    )
    if rule.action is Action.SAVE and not rule.file:
        raise table.reject("file", "is missing: where to save")
    if rule.action is Action.RUN and not rule.command:
        raise table.reject("command", 'is missing: a list such as ["jq", "."]')
    table.finish()
    return rule
