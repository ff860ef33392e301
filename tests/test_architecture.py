"""Rules of the architecture that the linters can't check."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import replyscope

_FIRST = "replyscope.cli.main, replyscope.cli.app"
_LATER = "replyscope.cli.services, replyscope.ui.chat.screen"
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


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


def test_the_chat_starts_without_what_only_commands_need() -> None:
    """Each module before the first paint waits for the file system."""
    check = "import replyscope.cli.main, replyscope.cli.app, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "replyscope.ui.app" in loaded
    assert {name for name in loaded if name.startswith("replyscope.serving")} == set()
    assert "replyscope.domain.query" not in loaded


_MOST_LOADED = {"before the first paint": 80, "until the app is quiet": 384}
"""The modules of ours that may be loaded. Each costs half a millisecond and more."""
_MOST_PATTERNS = 16
"""The regular expressions of ours that may be compiled before the first paint."""


def _loaded(statement: str) -> set[str]:
    check = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split() if name.startswith("replyscope")}


def test_functions_are_offered_without_the_protocol_of_servers() -> None:
    check = """
import asyncio, sys
from pathlib import Path
from replyscope.domain.tool import ToolSettings
from replyscope.toolbox.toolbox import LocalToolbox
box = LocalToolbox([], Path("."), None, ToolSettings)
print(*[tool.name for tool in asyncio.run(box.offer(["shipped/calculate"]))])
print(*[name for name in ("mcp", "starlette", "cryptography") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["calculate"]


def test_the_start_loads_few_modules() -> None:
    first = _loaded(f"import {_FIRST}")
    whole = _loaded(f"import {_FIRST}\nimport {_LATER}")
    counts = dict(zip(_MOST_LOADED, (len(first), len(whole)), strict=True))
    assert {when: n for when, n in counts.items() if n > _MOST_LOADED[when]} == {}
    assert {"replyscope.ui.markdown.document", "replyscope.engine.importing"}.isdisjoint(whole)


def test_the_start_compiles_few_patterns_and_loads_no_parser() -> None:
    """Each pattern takes a third of a millisecond and more; see domain/late_pattern.py."""
    check = f"""
import re, sys
compile, compiled = re._compiler.compile, []
def note(pattern, flags=0):
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] in ("re", "replyscope.domain.late_pattern"):
        frame = frame.f_back
    compiled.append(frame.f_globals["__name__"])
    return compile(pattern, flags)
re._compiler.compile = note
import {_FIRST}
print(*[name for name in compiled if name.startswith("replyscope")])
print(*[name for name in ("json", "tomllib", "hashlib", "shlex") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    patterns, libraries = done.stdout.split("\n")[:2]
    assert len(patterns.split()) <= _MOST_PATTERNS, patterns
    assert libraries == ""


def test_values_of_the_start_compile_nothing() -> None:
    """The standard decorator takes half a millisecond for each class."""
    standard = re.compile(r"^from dataclasses import .*\bdataclass\b", re.MULTILINE)
    costly = re.compile(r"^@dataclass\(frozen=True, slots=True\)$", re.MULTILINE)
    other = re.compile(r"^@dataclass(?!\(frozen=True, slots=True\)$)", re.MULTILINE)
    source = Path(replyscope.__file__).parent
    found = []
    for name in sorted(_loaded(f"import {_FIRST}\nimport {_LATER}")):
        path = source.joinpath(*name.split(".")[1:]).with_suffix(".py")
        text = path.read_text("utf-8") if path.exists() else ""
        if standard.search(text) and costly.search(text) and not other.search(text):
            found.append(name)
    assert found == []


_MOST_COMPILED = 9
"""The classes of ours that the standard decorator compiles until the app is quiet."""


def test_the_start_compiles_few_classes() -> None:
    check = f"""
import dataclasses
process, compiled = dataclasses._process_class, []
def note(cls, *options):
    compiled.append(cls.__module__ + "." + cls.__qualname__)
    return process(cls, *options)
dataclasses._process_class = note
import {_FIRST}
import {_LATER}
print(*[name for name in compiled if name.startswith("replyscope.")])
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) <= _MOST_COMPILED, done.stdout


def test_keys_wait_for_every_work_that_opens_a_dialog() -> None:
    """A key after an opening key would land below a dialog that is opened by a worker."""
    careless: list[str] = []
    for path in sorted((Path(replyscope.__file__).parent / "ui").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        bodies = {node.name: node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)}
        for call in _calls(tree):
            if _called(call) != "start_work" or any(k.arg == "holds_keys" for k in call.keywords):
                continue
            work = call.args[0]
            body = bodies.get(work.attr) if isinstance(work, ast.Attribute) else None
            if body is not None and any(_opens_dialog(inner) for inner in _calls(body)):
                careless.append(f"{path.name}:{call.lineno}")
    assert careless == []


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _opens_dialog(call: ast.Call) -> bool:
    name = _called(call)
    on_desk = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "self._desk"
    return name in ("push_screen", "push_screen_wait") or (
        on_desk and name in ("show", "ask", "ask_dialog")
    )
