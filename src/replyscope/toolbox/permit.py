"""Checks the consent rules inside the process of a built-in tool.

The rules have allowed the call before its process starts. Since a link can change and a page
can redirect afterwards, the process checks each file and URL again before it opens it.
"""

import json
import os
from collections.abc import Mapping, Sequence

from replyscope.domain.readings import read_arguments
from replyscope.domain.tool import ConsentRule
from replyscope.domain.working_folder import WorkingFolder

VARIABLE = "REPLYSCOPE_RULES"


def rules_as_text(consent: Sequence[ConsentRule], allowing: Sequence[ConsentRule]) -> str:
    """Encode all deny rules, and the rules that allowed the call, for a tool's process."""
    rules = [*(rule for rule in consent if not rule.allows), *allowing]
    return json.dumps([[rule.tool, rule.allows, rule.patterns] for rule in rules])


def check_permit(tool: str, arguments: Mapping[str, str]) -> None:
    """Raise PermissionError if a rule denies the arguments, or no allowing rule covers them.

    Without allowing rules the call has another consent, so only deny rules apply.
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
        raise PermissionError(f"a rule of the settings denies {what}")
    if allowing and not any(rule.covers(name, readings) for rule in allowing):
        raise PermissionError(f"{what} is not what the rule allows")
