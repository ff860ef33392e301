"""The terminal of the linear chat: labelled lines out, lines of the person in.

Output is append-only. Standard output makes control characters visible (the stream that the
command line installs), so nothing here writes escape sequences but `copy`.
"""

import getpass
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout, suppress
from functools import partial
from types import ModuleType
from typing import Any

from replyscope.domain.printable import printable_line
from replyscope.domain.typed_number import shortened, whole_number
from replyscope.domain.unicode_text import sound
from replyscope.inspection.likeness import in_ascii
from replyscope.linear.signals import Signals
from replyscope.linear.typed_ahead import discard_typed_ahead
from replyscope.linear.typed_lines import TypedLines

Complete = Callable[[str], list[str]]
"""The completions of a line up to the cursor, each as a line."""


class LineTerminal:
    """Prints and reads lines. With `is_plain` it uses no line editor: the terminal edits lines."""

    def __init__(
        self, signals: Signals, *, ascii_only: bool = False, is_plain: bool = False
    ) -> None:
        self._signals = signals
        self._ascii_only = ascii_only
        self._readline: ModuleType | None = None if is_plain else _load_readline()
        self._is_at_start = True
        self.typed = TypedLines()
        """The lines that were typed while a reply streamed."""

    def write(self, text: str) -> None:
        """Print text without a line end, at once."""
        if not text:
            return
        self._is_at_start = text.endswith("\n")
        if self._ascii_only:
            text = "\n".join(map(in_ascii, text.split("\n")))
        with suppress(OSError):  # the terminal was closed; SIGHUP ends the chat
            sys.stdout.write(text)
            sys.stdout.flush()

    def end_line(self) -> None:
        """End the line, unless nothing is on it."""
        if not self._is_at_start:
            self.write("\n")

    def say(self, label: str, text: str) -> None:
        """Print a labelled text, such as `tokens: 5 in`.

        Further lines are indented, so that a text cannot imitate a label.
        """
        self.end_line()
        indented = text.replace("\n", "\n  ")
        self.write(f"{label}: {indented}\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines unchanged."""
        self.end_line()
        for line in lines:
            self.write(f"{line}\n")

    def ask(self, prompt: str) -> str:
        """Read a line. Raises KeyboardInterrupt, EOFError, Leaving."""
        self.end_line()
        shown = in_ascii(prompt) if self._ascii_only else prompt
        try:
            with self._signals.reading():
                text = self._read_line(printable_line(shown))
        except UnicodeDecodeError:
            self.say("error", "The line is not text in this terminal's encoding.")
            return ""
        except (KeyboardInterrupt, EOFError):
            self.write("\n")
            raise
        except OSError as error:  # the terminal was closed
            raise EOFError from error
        return sound(text)

    def _read_line(self, prompt: str) -> str:
        if self._readline is not None:
            with redirect_stdout(sys.__stdout__):
                return input(prompt)
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.removesuffix("\n").removesuffix("\r")

    def ask_next(self, prompt: str) -> str:
        """The oldest queued line, or a line that is read. Raises as `ask`."""
        line = self.typed.next()
        if line is not None:
            self.lines([f"{prompt}{printable_line(line)}"])
            return line
        if self.typed.has_ended:
            raise EOFError
        return self._ask_from(self.typed.take_begun(), prompt)

    def _ask_from(self, begun: str, prompt: str) -> str:
        """Read a line whose beginning was typed before. Raises as `ask`."""
        if self._readline is None:
            return begun + self.ask(prompt + begun)
        self._readline.set_startup_hook(partial(self._readline.insert_text, begun))
        try:
            return self.ask(prompt)
        finally:
            self._readline.set_startup_hook(None)

    def ask_now(self, prompt: str) -> str:
        """Read a line that was typed after the prompt was printed. Raises as `ask`."""
        self.end_line()
        with self._signals.reading():
            discard_typed_ahead()
        return self.ask(prompt)

    def ask_secret(self, prompt: str) -> str:
        """Read a line without echo. Raises as `ask`."""
        self.end_line()
        with self._signals.reading():
            return sound(getpass.getpass(printable_line(prompt))).strip()

    @property
    def edits_lines(self) -> bool:
        """Whether there is a line editor."""
        return self._readline is not None

    @property
    def has_clipboard(self) -> bool:
        """Whether the terminal may have a clipboard that programs can write."""
        is_terminal = sys.__stdout__ is not None and sys.__stdout__.isatty()
        return is_terminal and os.environ.get("TERM", "dumb") != "dumb"

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard of the terminal (OSC 52), through the stream of `ring`."""
        encoded = b64encode(text.encode("utf-8", "replace")).decode("ascii")
        if sys.__stdout__ is not None:
            with suppress(OSError):
                sys.__stdout__.write(f"\x1b]52;c;{encoded}\x07")
                sys.__stdout__.flush()

    def choose(self, title: str, rows: Iterable[str], typed: str = "") -> int | None:
        """Print numbered rows, and read a number unless it is `typed`. Returns its index; None
        when cancelled.
        """
        shown = list(rows)
        number = whole_number(typed)
        if number is not None and 1 <= number <= len(shown):
            return number - 1
        self.lines([title, *(f"{number}. {row}" for number, row in enumerate(shown, start=1))])
        while True:
            try:
                answer = self.ask(f"Number from 1 to {len(shown)}, or Enter to cancel: ").strip()
            except (KeyboardInterrupt, EOFError):
                return None
            if not answer:
                return None
            number = whole_number(answer)
            if number is not None and 1 <= number <= len(shown):
                return number - 1
            self.say("error", f"{shortened(answer)} is not a number of this list.")

    def confirm(self, question: str) -> bool:
        """Ask a question that only `yes` confirms."""
        try:
            return self.ask_now(f"{question} yes / no: ").strip().lower() == "yes"
        except (KeyboardInterrupt, EOFError):
            return False

    def ring(self) -> None:
        """Ring the bell. The stream below standard output gets it: that one shows it as text."""
        if sys.__stdout__ is not None and sys.__stdout__.isatty():
            with suppress(OSError):
                sys.__stdout__.write("\a")
                sys.__stdout__.flush()

    def set_history(self, texts: Iterable[str]) -> None:
        """Set the history of the line editor, the oldest text first."""
        if self._readline is not None:
            for text in texts:
                self._readline.add_history(text)

    def remember(self, text: str) -> None:
        """Add a text to the history of the line editor."""
        self.set_history([text])

    def set_completions(self, complete: Complete) -> None:
        """Complete with Tab, where there is a line editor."""
        editor = self._readline
        if editor is None:
            return
        found: list[str] = []

        def step(word: str, number: int) -> str | None:
            if number == 0:
                line = editor.get_line_buffer()[: editor.get_endidx()]
                found[:] = [one[len(line) - len(word) :] for one in complete(line)]
            return found[number] if number < len(found) else None

        editor.set_completer(step)
        editor.set_completer_delims(" \t\n")
        editor.parse_and_bind("tab: complete")


def _load_readline() -> Any:
    """The line editor of the system; None where there is none."""
    try:
        import readline
    except ImportError:
        return None
    readline.set_auto_history(False)  # answers and keys are no history
    return readline
