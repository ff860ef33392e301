"""Core dumps: none is written, as it would hold keys and conversations in the clear."""

import sys


def forbid_core_dumps() -> None:
    """Forbid the dumps of this process and its children.

    The limit is one byte: too little for a file, and the value at which Linux also starts no
    program that collects dumps, for which a limit of zero does not count.
    """
    if sys.platform == "win32":
        return
    import resource  # there is none on Windows

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (1, most))
