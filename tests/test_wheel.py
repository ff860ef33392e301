"""The wheel holds themes and styles, and starts where it is installed."""

import importlib.util
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.installs
def test_the_wheel_is_whole_and_starts(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*build, str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for folder, ending, least in (("themes", ".toml", 6), ("ui/styles", ".tcss", 5)):
        inside = [n for n in names if n.startswith(f"replyscope/{folder}/") and n.endswith(ending)]
        assert len(inside) >= least, folder
    assert "replyscope/py.typed" in names
    assert not [name for name in names if name.startswith("tests")]

    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    (site,) = home.glob("lib/python*/site-packages") if os.name != "nt" else (home / "Lib",)
    zipfile.ZipFile(wheel).extractall(site)
    # The dependencies are those of this environment; only replyscope is installed anew.
    spec = importlib.util.find_spec("textual")
    assert spec is not None
    assert spec.origin is not None
    (site / "dependencies.pth").write_text(str(Path(spec.origin).parent.parent))
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    check = (
        "import replyscope, sys\n"
        "from pathlib import Path\n"
        "from replyscope.config.themes import read_themes, shipped_folder\n"
        f"assert Path(replyscope.__file__).is_relative_to({str(home)!r}), replyscope.__file__\n"
        "assert len(read_themes(Path('none'))[0]) >= 6\n"
        "from replyscope.cli.main import main\n"
        "sys.exit(main(['sessions', 'list', '--json']))\n"
    )
    done = subprocess.run(
        [python, "-c", check],
        capture_output=True,
        text=True,
        env={**os.environ, "REPLYSCOPE_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
