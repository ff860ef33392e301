"""The permit of a shipped tool: the rules, checked for what it really opens.

A rule has answered for a call before its process starts. A link can be changed meanwhile,
and a page can redirect, so the tool's process asks again about each file and address.
"""

import json
import os
from collections.abc import Mapping, Sequence

from replyscope.domain.readings import read_arguments
from replyscope.domain.tool import ConsentRule
from replyscope.domain.working_folder import WorkingFolder

VARIABLE = "REPLYSCOPE_RULES"


def rules_as_text(consent: Sequence[ConsentRule], allowing: Sequence[ConsentRule]) -> str:
    """The rules for a tool's process: those that forbid, and those that allowed the call."""
    rules = [*(rule for rule in consent if not rule.allows), *allowing]
    return json.dumps([[rule.tool, rule.allows, rule.patterns] for rule in rules])


def check_permit(tool: str, arguments: Mapping[str, str]) -> None:
    """Raise PermissionError where a rule forbids this, or where rules allowed the call and
    none of them covers it. Without rules the person, or nobody, was asked.
    """
    rules = [
        ConsentRule(name, allows, tuple((argument, pattern) for argument, pattern in patterns))
        for name, allows, patterns in json.loads(os.environ.get(VARIABLE, "[]"))
    ]
    if not rules:
        return
    home = os.path.expanduser("~")
    folder = WorkingFolder(os.path.realpath(os.getcwd()), home, os.path.realpath)
    name = f"shipped/{tool}"
    readings = read_arguments(name, arguments, folder)
    what = ", ".join(arguments.values())
    allowing = [rule for rule in rules if rule.allows]
    if any(not rule.allows and rule.covers(name, readings) for rule in rules):
        raise PermissionError(f"a rule of the person forbids {what}")
    if allowing and not any(rule.covers(name, readings) for rule in allowing):
        raise PermissionError(f"{what} is not what the rule allows")
