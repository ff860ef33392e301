"""What imports may not do that the linter can't see: cost time before the first paint."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import replyscope.cli.main", "openai httpx2 textual rich markdown_it keyring xllamacpp"),
        ("import replyscope.ui.app", "openai httpx2 keyring xllamacpp"),
        ("import replyscope.cli.app", "openai httpx2 keyring xllamacpp"),
        ("import replyscope.cli.linear", "textual openai httpx2 markdown_it keyring xllamacpp"),
    ],
)
def test_what_is_heavy_is_not_loaded_to_start(statement: str, absent: str) -> None:
    check = f"{statement}\nimport sys\nprint(*[n for n in {absent.split()!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
