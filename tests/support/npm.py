"""Programs that nobody here wrote, installed with npm where it is, and kept between runs."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_CACHE = Path.home() / ".cache" / "replyscope-tests"


def install(
    folder: str, package: str, program: str, overrides: Mapping[str, str] | None = None
) -> Path:
    """A package's program. Skips where npm or the index is missing.

    `overrides` pins packages that it depends on, by name.
    """
    place = _CACHE / folder
    path = place / "node_modules" / ".bin" / program
    if path.exists():
        return path
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not there to install {package} with")
    place.mkdir(parents=True, exist_ok=True)
    (place / "package.json").write_text(json.dumps({"overrides": overrides or {}}))
    done = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), package],
        capture_output=True,
        text=True,
        check=False,
    )
    if not path.exists():
        pytest.skip(f"{package} can't be installed: {done.stderr.strip()[-200:]}")
    return path
