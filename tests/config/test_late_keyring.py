"""The keyring library is loaded only for a key that is in the keyring."""

import subprocess
import sys

_RESOLVES = """
import sys
from pathlib import Path
from replyscope.config.keys import Keys
from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind
source = KeySource(KeySourceKind.ENVIRONMENT, "A_KEY")
print(Keys(Path()).resolve(Endpoint("one", "http://127.0.0.1:9/v1", key_source=source)))
print(*[name for name in sys.modules if name.split(".")[0] == "keyring"])
"""


def test_a_key_of_the_environment_needs_no_keyring() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RESOLVES],
        capture_output=True,
        text=True,
        check=True,
        env={"A_KEY": "value"},
    )
    assert done.stdout == "value\n\n"
