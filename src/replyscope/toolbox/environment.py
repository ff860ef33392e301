"""The environment that programs get which a model or a rule starts: without keys."""

import re
from collections.abc import Mapping, Sequence

_SECRET = re.compile("KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_LOGIN = re.compile("://[^/@:]*:[^/@]*@")


def without_secrets(environment: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    """The variables without keys: those in `known`, those named like one, and those in which
    a key or a password of an address is written as well.
    """
    values = [environment[name] for name in known if environment.get(name)]
    return {
        name: value
        for name, value in environment.items()
        if name not in known
        and not _SECRET.search(name)
        and not _LOGIN.search(value)
        and not any(key in value for key in values)
    }
