"""The private part of asyncio that the program uses.

`tests/test_internals.py` fails when it changes.
"""

import asyncio


def close_pipes(process: asyncio.subprocess.Process) -> None:
    """Close the pipes of a process whose descendants may still have them open.

    `Process` has no public close, and a transport that is left to the garbage collector fails
    when its loop is closed by then: https://github.com/python/cpython/issues/114177
    """
    process._transport.close()  # type: ignore[attr-defined]
