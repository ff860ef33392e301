"""Discards what was typed before a question, so that no earlier key answers it.

The rule is that of the consent card in the app: an answer counts after a pause without a key.
"""

import os
import select
import sys
import time

LOOK_S = 0.7
"""The pause without a key, in seconds: time to read the question."""


def discard_typed_ahead(pause_s: float = LOOK_S) -> None:
    """Read and drop keys until there was a pause. Ctrl+C still interrupts."""
    if sys.platform == "win32":
        _discard_on_windows(pause_s)
        return
    import termios
    import tty

    try:
        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
    except (OSError, ValueError, termios.error):
        return
    try:
        # Without line mode each key is seen at once; TCSAFLUSH drops the keys so far.
        tty.setcbreak(number, termios.TCSAFLUSH)
        while select.select([number], [], [], pause_s)[0]:
            if not os.read(number, 4_096):
                return
    except OSError:
        return
    finally:
        termios.tcsetattr(number, termios.TCSAFLUSH, before)


def _discard_on_windows(pause_s: float) -> None:
    import msvcrt

    until = time.monotonic() + pause_s
    while time.monotonic() < until:
        if msvcrt.kbhit():  # type: ignore[attr-defined]
            msvcrt.getwch()  # type: ignore[attr-defined]
            until = time.monotonic() + pause_s
        time.sleep(0.02)
