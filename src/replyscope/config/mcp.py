"""Parses tool server entries in the formats of other programs: `mcpServers` (Claude Desktop,
Cursor), `servers` (VS Code), or a plain object of entries by name.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replyscope.config.paths import make_private
from replyscope.domain.address import without_login
from replyscope.domain.errors import SettingsError
from replyscope.domain.json_text import read_json
from replyscope.domain.regular_file import read_text
from replyscope.domain.system_words import system_words
from replyscope.domain.tool import McpServer
from replyscope.domain.whole_file import write_whole

_NAME = re.compile(r"[\w.-]{1,40}")
_FORM = '{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}'


def read_mcp_file(path: Path) -> tuple[tuple[McpServer, ...], list[str]]:
    """The servers of mcp.json, and an error sentence for each invalid entry."""
    try:
        text = read_text(path, encoding="utf-8-sig")
    except FileNotFoundError:
        return (), []
    except (OSError, UnicodeDecodeError) as error:
        return (), [f"{path} can't be read ({system_words(error)})."]
    try:
        return parse_servers(text)
    except ValueError as error:
        return (), [f"{path}: {error}"]


def parse_servers(text: str) -> tuple[tuple[McpServer, ...], list[str]]:
    """Parse servers; return them with an error sentence for each invalid entry.

    Comments and trailing commas are allowed, as in VS Code. Raises ValueError.
    """
    servers, faults = [], []
    for name, entry in entries_of(text).items():
        try:
            servers.append(read_server(name, entry))
        except ValueError as error:
            faults.append(f"the server {name!r} {error}")
    return tuple(servers), faults


def entries_of(text: str) -> dict[str, Any]:
    """The unvalidated entries of a pasted text, by name. Raises ValueError."""
    text = text.strip()
    if text.startswith('"'):
        text = f"{{{text.rstrip(',')}}}"  # an entry copied out of its object
    try:
        value = read_json(_without_comments(text) or "{}")
    except ValueError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if isinstance(value, dict):
        value = value.get("mcpServers", value.get("servers", value.get("mcp", value)))
    if isinstance(value, dict) and "servers" in value:
        value = value["servers"]
    if isinstance(value, dict) and {"command", "url"} & value.keys():
        raise ValueError(f"this entry has no name; write it as {_FORM}")
    if not isinstance(value, dict) or not all(isinstance(e, dict) for e in value.values()):
        raise ValueError(f"no servers found; the format is {_FORM}")
    return value


def _without_comments(text: str) -> str:
    """Remove // and /* */ comments and trailing commas from JSON, but not from strings."""
    token = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    bare = token.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)
    comma = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', re.DOTALL)
    return comma.sub(lambda m: m[0] if m[0].startswith('"') else "", bare)


def read_server(name: str, entry: Mapping[str, Any]) -> McpServer:
    """Validate an entry. `${NAME}` is expanded when the server starts. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError("has an invalid name: only letters, digits, _ . and - are allowed")
    command, url = entry.get("command"), entry.get("url") or entry.get("serverUrl")
    if isinstance(command, str) == isinstance(url, str):
        raise ValueError("needs either a command or a url")
    if isinstance(url, str) and not url.startswith(("http://", "https://")):
        raise ValueError(
            f"has the url {without_login(url)!r}; it must begin with http:// or https://"
        )
    if entry.get("type") == "sse":
        raise ValueError("uses the old SSE transport; use its streamable HTTP address")
    arguments = entry.get("args", [])
    if not isinstance(arguments, list) or not all(isinstance(a, str) for a in arguments):
        raise ValueError("has args that are not a list of strings")
    return McpServer(
        name=name,
        command=command,
        arguments=tuple(arguments),
        environment=_pairs(entry, "env"),
        folder=entry["cwd"] if isinstance(entry.get("cwd"), str) else None,
        url=url,
        headers=_pairs(entry, "headers"),
        is_disabled=bool(entry.get("disabled")),
        sign_in_origins=_origins(entry),
    )


def _shown(url: str) -> str:
    """An invalid URL without its login and query, which may have a password or a key."""
    before, at, after = url.partition("?")[0].rpartition("@")
    scheme = before.partition("//")[0] + "//" if "//" in before else ""
    return f"{scheme}•••@{after}" if at else after


def _origins(entry: Mapping[str, Any]) -> tuple[str, ...]:
    given = entry.get("signIn", entry.get("sign_in")) or ()
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list | tuple) or not all(
        isinstance(one, str) and one.startswith(("http://", "https://")) for one in given
    ):
        raise ValueError(
            'has an invalid signIn: it must be a list such as ["https://auth.example.org"]'
        )
    return tuple(given)


def _pairs(entry: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    given = entry.get(key) or {}
    if not isinstance(given, dict):
        raise ValueError(f"has an {key} that is not an object")
    return tuple((str(name), str(value)) for name, value in given.items())


def add_servers(path: Path, pasted: str) -> tuple[McpServer, ...]:
    """Add pasted entries to mcp.json; they replace entries with the same names.

    If it raises SettingsError, the file is unchanged.
    """
    try:
        new = entries_of(pasted)
        added = tuple(read_server(name, entry) for name, entry in new.items())
        known = entries_of(read_text(path, encoding="utf-8-sig")) if path.exists() else {}
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"Nothing was added: {error}.", "Correct the entry and paste it again."
        ) from error
    if not added:
        raise SettingsError("Nothing was added: no servers found.", f"Paste {_FORM}")
    try:
        make_private(path.parent)
        write_whole(path, json.dumps({"mcpServers": {**known, **new}}, indent=2).encode())
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written ({system_words(error)}).", "Check the folder."
        ) from error
    return added
