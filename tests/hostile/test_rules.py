# ruff: noqa: E501 - a table, a rule a row
"""Consent rules: what each says about a value, however the value is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from replyscope.domain.exchange import ToolCall
from replyscope.domain.tool import ConsentRule, Decision, Tool
from replyscope.engine.consent import CallToDecide, Consent
from tests.support.suite import Suite

_READ = ("shipped", "read_file", "path")
_LIST = ("shipped", "list_files", "path")
_GET = ("shipped", "http_get", "url")
_SERVED = ("mcp:files", "read", "path")
_FETCH = ("mcp:web", "fetch", "uri")
_OWN = ("tools:mine.py", "look", "what")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with links of every kind."""
    work = tmp_path / "work"
    for name in ("docs/sub", "secrets/sub", "docs/[x]", "docs.old", "other"):
        (work / name).mkdir(parents=True)
    for name in ("docs/a.txt", "docs/sub/b.txt", "secrets/key.txt", "secrets/sub/k", ".env"):
        (work / name).write_text(name)
    for link, target in {
        "docs/key": "../secrets/key.txt",
        "docs/s": "../secrets",
        "alias": "docs",
        "vault": "secrets",
        "other/out": str(tmp_path),
        "docs/loop": "loop",
        "docs/gone": "../secrets/not-yet",
        "named": "other",
    }.items():
        (work / link).symlink_to(target)
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", "/home")  # so that ~/.. is the root, as the table says
    return work


async def _says(tool: tuple[str, str, str], rule: ConsentRule, value: Any) -> str:
    source, name, argument = tool
    call = ToolCall("c", "function", name, json.dumps({argument: value}))

    async def ask(_wanted: CallToDecide) -> Decision:
        return Decision(False, "asked")

    wanted = CallToDecide("s", call, Tool(name, "", "{}", source, name))
    decision = await Consent(lambda: (rule,), ask).decide(wanted)
    return "allowed" if decision.allows else "asked" if decision.by == "asked" else "denied"


# (tool, pattern, values that an allow rule lets through, values that it does not)
_ALLOWS: list[tuple[tuple[str, str, str], str, tuple[Any, ...], tuple[Any, ...]]] = [
    (
        _READ,
        "docs/*",
        ("docs/a.txt", "./docs/a.txt", "docs//a.txt", "docs/./a.txt", "docs/sub/../a.txt",
         "secrets/../docs/a.txt", "CWD/docs/a.txt", "alias/a.txt", "docs/new.txt", "docs/sub"),
        ("docs/../.env", "docs/..", "docs", "docs/", "docs/.", "docs/sub/b.txt", "docs.old/x",
         "docs/../secrets/key.txt", "docs/key", "docs/s/key.txt", "docs/s", "../work/../docs/a",
         "CWD/secrets/key.txt", "/docs/a.txt", "other/out/x", "Docs/a.txt", "docs/gone", "",
         "docs\\..\\.env", "docs/a.txt\0", "docs/" + "../" * 20 + "etc/passwd", ["docs/a.txt", ".env"]),
    ),
    (
        _READ,
        "docs/**",
        ("docs/a.txt", "docs/sub/b.txt", "alias/sub/b.txt", "docs/sub/"),
        ("docs", "docs/s/key.txt", "docs/key", "docs/sub/../../.env", ".env", "docs/../docs.old/x"),
    ),
    (_READ, "docs*", ("docs", "docs.old", "docs/"), ("docs/..", "docs/a.txt", "docs.old/x", "..")),
    (_READ, "./docs/a.txt", ("docs/a.txt", "./docs/a.txt"), ("docs/b.txt", "secrets/key.txt")),
    (_READ, "CWD/docs/*", ("docs/a.txt", "CWD/docs/a.txt"), ("docs/sub/b.txt", "CWD/.env")),
    (_READ, "**/*.txt", ("docs/a.txt", "a.txt", "docs/sub/b.txt"), ("docs/sub/b.md", "secrets/sub/k")),
    (_READ, "docs/[a-c].txt", ("docs/a.txt",), ("docs/d.txt", "docs/[a-c].txt", "docs/-.txt")),
    (_READ, "docs/[!a].txt", ("docs/b.txt",), ("docs/a.txt", "docs/bb.txt", "docs//.txt")),
    (_READ, "docs/[[]x]/f", ("docs/[x]/f",), ("docs/x/f", "docs/[x]/g")),
    (_READ, "docs/?.txt", ("docs/a.txt",), ("docs/ab.txt", "docs//.txt", "docs/.txt")),
    (_READ, "vault/*", (), ("vault/key.txt", "secrets/key.txt")),
    (_LIST, "*", (".", "docs", "./docs/", "alias"), ("docs/sub", "..", "/", "CWD/..")),
    (_LIST, ".", (".", "./", "docs/..", "CWD"), ("..", "docs", "/")),
    (
        _GET,
        "https://example.org/docs/*",
        ("https://example.org/docs/a", "HTTPS://EXAMPLE.ORG/docs/a", "https://example.org:443/docs/a",
         "https://example.org./docs/a", "https://example.org:00443/docs/a",
         "https://example.org/x/../docs/a", "https://example.org/%64ocs/a",
         "https://example.org/docs/a?q=1", "https://example.org/docs/a#x/y"),
        ("https://example.org/docs/../admin", "https://example.org/docs/%2e%2e/admin",
         "https://example.org/docs/..%2fadmin", "https://example.org/docs/%252e%252e%252fadmin",
         "https://example.org/docs/..;/admin", "https://example.org/docs//../admin",
         "https://example.org/docs/a/b", "https://example.org/docs", "https://example.org/docs/..",
         "http://example.org/docs/a", "https://example.org:444/docs/a",
         "https://example.org.evil.test/docs/a", "https://example.org@evil.test/docs/a",
         "https://evil.test/docs/a", "https://evil.test\\@example.org/docs/a",
         "https://evil.test?https://example.org/docs/a", "https://example.org/docs\\..\\admin",
         "https://user@example.org/docs/a", "https://example.org/docs/a\nb", "https:docs/a"),
    ),
    (
        _GET,
        "http://127.0.0.1:8080/**",
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/a/b", "http://2130706433:8080/",
         "http://0x7f.1:8080/", "http://0177.0.0.1:8080/x", "http://[::ffff:7f00:1]:8080/",
         "http://127.0.0.1:08080/", "http://127.1:8080"),
        ("http://127.0.0.1/", "http://127.0.0.2:8080/", "http://127.0.0.1:8081/",
         "http://[::1]:8080/", "http://127.0.0.1.evil.test:8080/", "http://127.0.0.1:8_080/"),
    ),
    (_GET, "http://[::1]:80/*", ("http://[::1]/a", "http://[0:0:0::1]:80/a"), ("http://[::2]/a",)),
    (_GET, "https://*.example.org/", ("https://a.example.org", "https://A.b.Example.org/"),
     ("https://example.org/", "https://evil.test/.example.org/", "https://a.example.org/x")),
    (_GET, "https://bücher.example/*", ("https://xn--bcher-kva.example/a",), ("https://bucher.example/a",)),
    (_GET, "https://h.test/%7Ea/*", ("https://h.test/~a/x", "https://h.test/%7ea/x"), ("https://h.test/a/x",)),
    (_GET, "https://h.test/%2A", ("https://h.test/*",), ("https://h.test/x",)),
    (
        _SERVED,
        "docs/*",
        ("docs/a.txt",),
        ("docs/../.env", "docs/..", "docs/key", "docs/s/key.txt", "docs/%2e%2e", "docs/..\\.env",
         "docs/%2e%2e%2f.env", ["docs/a.txt", "secrets/key.txt"], {"docs/a.txt": ".env"}),
    ),
    (_SERVED, "docs/**", ("docs/sub/b.txt", ["docs/a.txt", "docs/sub/b.txt"]),
     ("docs/s/key.txt", ["docs/a.txt", "docs/../.env"], "/docs/a.txt")),
    (_SERVED, '[[]"docs/a.txt"]', (["docs/a.txt"],), (["docs/b.txt"], ["docs/a.txt", "x"])),
    (
        _FETCH,
        "https://example.org/docs/*",
        ("https://example.org/docs/a",),
        ("https://example.org/docs/..", "https://example.org/docs/%2e%2e", "HTTPS:example.org/docs/a",
         "https://example.org/docs/..%2f", "https://example.org\\@evil.test/docs/a"),
    ),
    (_FETCH, "file:///work/docs/*", ("file:///work/docs/a",),
     ("file:///work/docs/..", "file:///work/docs/%2e%2e", "file:///work/docs/..%2f.env")),
    (_OWN, "*", ("hello world", "", 12, True, None), ("a/b", "1 / 2", "../x")),
    (_OWN, "**", ("a/b", "1 / 2", "hello"), ()),
    (_OWN, "12", ("12", 12), (120, "1/2", 12.5)),
]  # fmt: skip

# (tool, pattern, values that a deny rule stops, values that it does not)
_DENIES: list[tuple[tuple[str, str, str], str, tuple[Any, ...], tuple[Any, ...]]] = [
    (
        _READ,
        "secrets/*",
        ("secrets/key.txt", "./secrets/key.txt", "docs/../secrets/key.txt", "CWD/secrets/key.txt",
         "CWD/docs/../secrets/key.txt", "secrets//key.txt", "secrets/./key.txt", "docs/key",
         "docs/s/key.txt", "vault/key.txt", "secrets/sub/k", "docs/s/sub/k", "//CWD/secrets/key.txt",
         "docs/sub/../../secrets/key.txt", "other/out/work/secrets/key.txt", "SECRETS/key.txt",
         "secrets/new", "docs/gone"),
        ("docs/a.txt", "secrets.txt", "docs/secrets/x", "secrets/../docs/a.txt", "docs"),
    ),
    (_READ, "secrets", ("secrets", "secrets/key.txt", "docs/s/sub/k", "vault"), ("secretsx", "docs")),
    (_READ, "vault/*", ("vault/key.txt", "secrets/key.txt", "docs/key"), ("docs/a.txt",)),
    (_READ, "named", ("named", "named/x", "other/x"), ("docs/a.txt",)),
    (_READ, "**/*.txt", ("docs/a.txt", "x.txt", "docs/sub/b.txt"), ("docs/sub",)),
    (_READ, ".[!.]*", (".env", "./.env", "docs/../.env"), ("docs/a.txt", "env")),
    (_READ, "CWD/secrets/**", ("secrets/key.txt", "docs/key"), ("docs/a.txt",)),
    (_READ, "/etc/**", ("/etc/passwd", "../" * 20 + "etc/passwd", "docs/../" + "../" * 20 + "etc/x"),
     ("docs/a.txt",)),
    (_LIST, "secrets", ("secrets", "secrets/", "./secrets/.", "docs/s", "secrets/sub"), (".", "docs")),
    (
        _GET,
        "http://h.test/admin",
        ("http://h.test/admin", "HTTP://H.TEST/admin", "http://h.test:80/admin", "http://h.test./admin",
         "http://h.test:0080/admin", "http://h.test/%61dmin", "http://h.test/x/../admin",
         "http://h.test/admin/users", "http://h.test/admin?x=1", "http://h.test//admin",
         "http://h.test/docs/..%2fadmin", "http://u:p@h.test/admin", "http://h.test/ADMIN",
         "http://h.test/docs/%252e%252e/admin", "http://h.test/admin#x", "http://h.test/admin;a=b",
         "http:/h.test/admin", "http:\\\\h.test\\admin", " http://h.test/admin", "http://h.te%73t/admin",
         "http://h.test/ad\nmin"),
        ("http://h.test/", "http://h.test/administrator", "http://i.test/admin", "https://h.test/admin",
         "http://h.test:81/admin", "http://h.test/docs/admin"),
    ),
    (
        _GET,
        "http://127.0.0.1:8080/**",
        ("http://127.0.0.1:8080/", "http://2130706433:8080/x", "http://0x7f000001:8080",
         "http://127.1:8080/", "http://0177.0.0.01:8080/", "http://[::ffff:127.0.0.1]:8080/x"),
        ("http://127.0.0.1/", "http://127.0.0.2:8080/"),
    ),
    (_GET, "http://[::1]/**", ("http://[::1]/x", "http://[0:0:0:0:0:0:0:1]:80/x"), ("http://[::2]/x",)),
    (
        _SERVED,
        "secrets/*",
        ("secrets/key.txt", "./secrets/key.txt", "docs/../secrets/key.txt", "CWD/secrets/key.txt",
         "docs/key", "secrets%2fkey.txt", "%73ecrets/key.txt", "secrets\\key.txt", "~/../CWD/secrets/x",
         "file://CWD/secrets/key.txt", "file:CWD/secrets/key.txt", "file://localhostCWD/%73ecrets/k",
         " secrets/key.txt ", ["docs/a.txt", "secrets/key.txt"], {"paths": ["docs/key"]},
         {"secrets/key.txt": 1}, "SECRETS/KEY.TXT", [[["vault/key.txt"]]]),
        ("docs/a.txt", ["docs/a.txt"], {"a": "docs/sub"}, 3, None),
    ),
    (_FETCH, "http://h.test/admin*", ("HTTP://h.test/admin", ["http://h.test/%61dmin"],
     {"u": "http://h.test/x/../admin/y"}, "http://h.test:080/admin"), ("http://h.test/x",)),
    (_OWN, "*rm -rf*", ("rm -rf /", "/bin/rm -rf /", ["rm", "-rf", "/"]), ("rmdir x", ["ls"])),
    (_OWN, "22", ("22", 22, 22.0, [22]), (23, "220")),
]  # fmt: skip


def _placed(value: Any, folder: Path) -> Any:
    return json.loads(json.dumps(value).replace("CWD", str(folder)))


@pytest.mark.parametrize("row", _ALLOWS, ids=lambda row: f"{row[0][1]} {row[1]}")
async def test_an_allow_rule_lets_through_what_it_says(
    folder: Path, row: Any, suite: Suite
) -> None:
    tool, pattern, through, others = row
    rule = ConsentRule("*/*", True, ((tool[2], _placed(pattern, folder)),))
    for value in through:
        assert await _says(tool, rule, _placed(value, folder)) == "allowed", value
    for value in others:
        assert await _says(tool, rule, _placed(value, folder)) == "asked", value


@pytest.mark.parametrize("row", _DENIES, ids=lambda row: f"{row[0][1]} {row[1]}")
async def test_a_deny_rule_stops_what_it_says(folder: Path, row: Any, suite: Suite) -> None:
    tool, pattern, stopped, others = row
    rule = ConsentRule("*/*", False, ((tool[2], _placed(pattern, folder)),))
    for value in stopped:
        assert await _says(tool, rule, _placed(value, folder)) == "denied", value
    for value in others:
        assert await _says(tool, rule, _placed(value, folder)) == "asked", value


def test_the_table_is_long_enough(suite: Suite) -> None:
    pairs = sum(len(row[2]) + len(row[3]) for row in (*_ALLOWS, *_DENIES))
    assert pairs >= 200
    suite.say(f"{pairs} pairs of rule and value: each allowed, asked about or denied as written")
