"""The terminal of the tests keeps what a program writes last."""

from pathlib import Path

from tests.stories.terminal import Terminal


class Writer(Terminal):
    """Writes more than one read of a pty returns, and ends at once."""

    program = ("sh", "-c", "yes 0123456789 | head -c 30000; echo; echo the end", "sh")


def test_all_that_was_written_is_read_before_the_end_is_told(tmp_path: Path) -> None:
    with Writer(tmp_path) as terminal:
        assert terminal.wait_for_end() == 0
        assert "the end" in terminal.screen
