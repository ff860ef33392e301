"""A folder in which everything that has a name or a text is hostile."""

import json
from pathlib import Path
from typing import Any

from tests.hostile.here import run_here
from tests.hostile.payload import hostile, hostile_pieces
from tests.support.server import Answer, LoopbackServer, delta, sse, usage

MARK = "Zq"
ALL = hostile(MARK)
FOR_ARGUMENTS = hostile(MARK, without="\0")
OWN_TOOLS = "tools:t\x1b]0;Zq\x07.py"

_TOOLS = f'''
def fine(text: str) -> str:
    {ALL!r}
    print({ALL!r})
    return {ALL!r}

def wrong(text: str) -> str:
    """Fail."""
    raise ValueError({ALL!r})
'''
_SETTINGS = """
theme = {theme}
[tools]
enabled = [{tools}, "current_time"]
[[tools.allow]]
tool = {fine}
arguments = {{ text = "**" }}
[queries]
{folder} = "model:*"
[[rule]]
when = "finish:stop"
do = "flag"
"""
_KEPT = ("format", "api", "state", "role", "type", "finish_reason", "kind", "body", "id",
         "parent_id", "head_id", "sources")  # fmt: skip


def toml_text(text: str) -> str:
    """A text in TOML, every character of it escaped."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def write_place(folder: Path) -> Path:
    """Settings, themes and tools below `folder`; the working folder, full of files."""
    config = folder / "config"
    (config / "themes").mkdir(parents=True)
    (config / "tools").mkdir()
    theme = "a\x1b]0;Zq\x07\x9b7007m"
    (config / "themes" / f"{theme}.toml").write_text(
        f'title = {toml_text(ALL)}\n[colors]\nprimary = "#ff0000"\n'
    )
    (config / "tools" / f"{OWN_TOOLS.removeprefix('tools:')}").write_text(_TOOLS)
    (config / "tools" / "broken.py").write_text(f"raise ValueError({ALL!r})\n")
    (config / "settings.toml").write_text(
        _SETTINGS.format(
            theme=toml_text(theme),
            tools=toml_text(OWN_TOOLS),
            fine=toml_text(f"{OWN_TOOLS}/fine"),
            folder=toml_text(hostile(MARK, 25)),
        )
    )
    work = folder / "work"
    work.mkdir()
    for piece in hostile_pieces(MARK, without="\0/"):
        (work / f"{piece[:100]}.txt").write_text(ALL)
    return work


def hostile_reply(_request: object = None) -> Answer:
    """A reply that tries it in each place of Markdown and of the wire."""
    cell = ALL.replace("|", "")
    text = (
        f"{ALL}\n\n# {hostile(MARK, 5)}\n\n```{hostile(MARK, 7)}\n{ALL}\n```\n\n[{ALL}](http://e/"
        f"{ALL}) <http://x\x1b]0;7> ![{ALL}]({ALL})\n\n| {cell} | b |\n|---|---|\n| {cell} | 2 |"
        f"\n\n> {ALL}\n\n- {ALL}\n\n1. {ALL}\n\n<b>{ALL}</b>\n\nit is over"
    )
    last = {**delta(finish="stop"), "model": ALL, ALL: ALL}
    frames = sse(delta(reasoning_content=ALL), delta(text), last, usage())
    return Answer(chunks=[*frames[:2], f": {ALL}\n\n".encode(), *frames[2:]])


def hostile_export(folder: Path, server: LoopbackServer) -> Path:
    """An export of ours, made from a real one, in which each text is hostile."""
    run_here(folder, "ask", "hello", "--base-url", server.base_url)
    found = json.loads(run_here(folder, "sessions", "list", "--json").stdout)
    made = run_here(folder, "sessions", "export", found[0]["id"], "--format", "json")
    number = 0

    def poison(value: Any, name: str = "") -> Any:
        nonlocal number
        if isinstance(value, dict):
            return {key: poison(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [poison(one, name) for one in value]
        if isinstance(value, str) and name not in _KEPT:
            number += 1
            return hostile(MARK, number)
        return value

    whole = {**poison(json.loads(made.stdout)), "id": "imported", "draft": ALL}
    whole["tags"] = [hostile(MARK, first) for first in range(28)]
    for message in whole["messages"]:
        message["id"] += "i"
        message["parent_id"] = message["parent_id"] and message["parent_id"] + "i"
        message["sources"] = [[f"{key}i", at] for key, at in message["sources"]]
    for exchange in whole["exchanges"]:
        exchange["id"] += "i"
    whole["head_id"] += "i"
    path = folder / "b\x1b]0;Zq\x07.json"
    path.write_text(json.dumps(whole))
    return path
