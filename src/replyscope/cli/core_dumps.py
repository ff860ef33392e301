"""Disables core dumps, which would contain keys and conversations in plain text."""

import sys


def forbid_core_dumps() -> None:
    """Disable core dumps of this process and its children.

    The limit is one byte: too small for a file, and Linux then does not start a program that
    collects dumps either. It ignores a limit of zero for such a program.
    """
    if sys.platform == "win32":
        return
    import resource  # not available on Windows

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (1, most))
