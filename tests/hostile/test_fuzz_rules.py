"""Consent rules against the real tools: nothing is read that a rule does not say."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest
from hypothesis import strategies as st

from replyscope.domain.exchange import ToolCall
from replyscope.domain.tool import ConsentRule, Decision, Tool, ToolSettings
from replyscope.domain.web_address import normal_address
from replyscope.engine.consent import CallToDecide, Consent
from replyscope.engine.tool_runner import Tooling
from replyscope.toolbox import shipped
from replyscope.toolbox.permit import VARIABLE, rules_as_text
from replyscope.toolbox.toolbox import LocalToolbox
from tests.hostile.bounds import examine
from tests.support.suite import Suite

_FILES = ("docs/a.txt", "docs/sub/b.txt", "secrets/key.txt", "secrets/sub/k.txt", ".env", "a.txt")
_LINKS = {
    "docs/key": "../secrets/key.txt",
    "docs/s": "../secrets",
    "alias": "docs",
    "secrets/back": "../docs",
    "up": "..",
    "sub": "secrets/sub",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which each file says where it is."""
    work = tmp_path / "work"
    for name in _FILES:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(name)
    (tmp_path / "outside.txt").write_text("../outside.txt")
    for name, target in _LINKS.items():
        (work / name).symlink_to(target)
    monkeypatch.chdir(work)
    return work


_STEPS = st.sampled_from((
    "docs", "secrets", "sub", "a.txt", "b.txt", "key.txt", "k.txt", ".env", ".", "..", "", "s",
    "key", "alias", "back", "up", "work", "outside.txt", "DOCS", "%2e%2e", "..%2fsecrets", "~",
    "docs\\..", " docs", "docs ", "．．",
))  # fmt: skip
_STARTS = st.sampled_from(("", "", "", "/", "./", "CWD/", "CWD/../", "//", "/proc/self/cwd/"))
_KNOWN = st.sampled_from((
    *_FILES, *_LINKS, "docs/s/key.txt", "alias/a.txt", "secrets/back/a.txt", "up/work/a.txt",
    "sub/k.txt", "docs/s/back/sub/b.txt",
)).map(lambda name: name.split("/"))  # fmt: skip
_DETOURS = st.sampled_from(
    ([], ["."], [""], ["docs", ".."], ["x", ".."], ["docs", "sub", "..", ".."])
)
_PATHS = st.builds(
    lambda start, steps: start + "/".join(steps),
    _STARTS,
    st.one_of(
        st.lists(_STEPS, min_size=1, max_size=6),
        st.builds(lambda detour, name: [*detour, *name], _DETOURS, _KNOWN),
    ),
)
_WILD = st.sampled_from((
    "docs", "secrets", "sub", "*", "**", "*.txt", "a*", "?.txt", "[a-k].txt", "[!d]*", ".env",
    "key*", "alias", "s*", "[.]env", "up",
))  # fmt: skip
_PATTERNS = st.one_of(
    st.lists(_WILD, min_size=1, max_size=3).map("/".join),
    st.sampled_from(("docs/*", "docs/**", "**", "*", "secrets/*", "alias/*", "**/*.txt", ".env")),
)


def _says(pattern: str, path: str) -> bool:
    """What a pattern of whole segments says of a tidy path: an independent reading."""

    def fits(patterns: Sequence[str], steps: Sequence[str]) -> bool:
        if not patterns:
            return not steps
        if patterns[0] == "**":
            if len(patterns) == 1:
                return bool(steps)
            return any(fits(patterns[1:], steps[n:]) for n in range(len(steps) + 1))
        return bool(steps) and fnmatchcase(steps[0], patterns[0]) and fits(patterns[1:], steps[1:])

    return fits(pattern.split("/"), path.split("/"))


async def _nobody(_wanted: CallToDecide) -> Decision:
    return Decision(False, "asked")


def _decide(rules: Sequence[ConsentRule], name: str, arguments: dict[str, str]) -> Decision:
    call = ToolCall("c", "function", name, json.dumps(arguments))
    wanted = CallToDecide("s", call, _tool(name))
    return asyncio.run(Consent(lambda: rules, _nobody).decide(wanted))


def _tool(name: str) -> Tool:
    return Tool(name, "", "{}", "shipped", name)


def test_no_file_is_read_that_the_rules_do_not_say(
    folder: Path, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def check(given: tuple[str, list[str], list[str]]) -> None:
        nonlocal read
        path, allowed, denied = given
        path = path.replace("CWD", str(folder))
        rules = [
            *(ConsentRule("shipped/*", True, (("path", pattern),)) for pattern in allowed),
            *(ConsentRule("shipped/read_file", False, (("path", p),)) for p in denied),
        ]
        decision = _decide(rules, "read_file", {"path": path})
        # A person may say yes where no rule does; no rule that forbids is passed even then.
        monkeypatch.setenv(VARIABLE, rules_as_text(rules, decision.rules))
        normal = Consent(lambda: rules).normal(_tool("read_file"), {"path": path})
        try:
            content = shipped.read_file(normal["path"])
        except (OSError, ValueError):
            return
        assert content in _FILES, "outside of the folder"
        assert not any(_says(pattern, content) for pattern in denied), "forbidden"
        if decision.allows:
            read += 1
            assert any(_says(pattern, content) for pattern in allowed), "not allowed"
            assert normal["path"] == content

    allowed = st.lists(_PATTERNS, min_size=1, max_size=2)
    inputs = st.tuples(_PATHS, allowed, st.lists(_PATTERNS, max_size=1))
    tried = examine(suite, inputs, 6_000, check)
    suite.say(f"{tried:,} paths under rules: {read:,} read by a rule, none that it does not say")


class _Site:
    """A server that notes what it is asked for, and redirects as it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.redirects: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                to = site.redirects.get(self.path.partition("?")[0])
                self.send_response(302 if to is not None else 200)
                if to is not None:
                    self.send_header("location", to)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def site() -> Iterator[_Site]:
    started = _Site()
    yield started
    started.close()


_HOSTS = st.sampled_from((
    "127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "0177.0.0.1", "127.0.0.1.",
))  # fmt: skip
_ODD_PAGES = st.lists(
    st.sampled_from((
        "docs", "admin", "a", "..", ".", "", "%2e%2e", "..%2fadmin", "%61dmin", "..;", "docs;x",
        "%252e%252e", "a?b", "a#b", "ADMIN", "..\\admin",
    )),
    min_size=1,
    max_size=4,
).map(lambda steps: "/" + "/".join(steps))  # fmt: skip
_PAGES = st.one_of(st.sampled_from(("/docs/a", "/docs/b", "/docs/../docs/a", "/x")), _ODD_PAGES)
_SITE_PATTERNS = st.sampled_from(
    ("docs/*", "docs/**", "*", "**", "docs/a", "admin", "[!a]*", "d*/?")
)


def _server_reads(path: str) -> str:
    """What a lenient server takes a path for: decoded again and again, without segments."""
    path = path.partition("?")[0]
    for _ in range(4):
        path = unquote(path)
    kept: list[str] = []
    for step in path.replace("\\", "/").split("/"):
        step = step.partition(";")[0]
        if step == "..":
            del kept[-1:]
        elif step not in ("", "."):
            kept.append(step)
    return "/".join(kept)


def test_no_page_is_asked_for_that_the_rules_do_not_say(
    site: _Site, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLYSCOPE_HTTP_HOSTS", json.dumps(["127.0.0.1"]))
    asked = 0

    def check(given: tuple[str, str, list[str], list[str], str]) -> None:
        nonlocal asked
        host, page, hops, denied, allowed = given
        base = f"http://127.0.0.1:{site.port}"
        site.asked.clear()
        site.redirects = {"/docs/a": hops[0]} if hops else {}
        site.redirects |= dict(pairwise(hops))
        rules = [
            ConsentRule("shipped/http_get", True, (("url", f"{base}/{allowed}"),)),
            *(ConsentRule("shipped/*", False, (("url", f"{base}/{p}"),)) for p in denied),
        ]
        url = f"http://{host}:{site.port}{page}"
        decision = _decide(rules, "http_get", {"url": url})
        monkeypatch.setenv(VARIABLE, rules_as_text(rules, decision.rules))
        normal = Consent(lambda: rules).normal(_tool("http_get"), {"url": url})
        try:
            shipped.http_get(normal["url"])
        except (OSError, ValueError):
            pass
        for path in site.asked:
            plain = _server_reads(path)
            assert not any(_says(pattern, plain) for pattern in denied), "forbidden"
            if decision.allows:
                asked += 1
                fits = _says(allowed, plain) or (not plain and allowed in ("*", "**"))
                assert fits, f"{path} is not allowed by {allowed}"

    inputs = st.tuples(
        _HOSTS, _PAGES, st.lists(_PAGES, max_size=3), st.lists(_SITE_PATTERNS, max_size=1),
        _SITE_PATTERNS,
    )  # fmt: skip
    tried = examine(suite, inputs, 600, check)
    suite.say(f"{tried:,} pages under rules: {asked:,} asked for, none that no rule says")


_ADDRESSES = st.builds(
    lambda scheme, host, port, page: f"{scheme}://{host}{port}{page}",
    st.sampled_from(("http", "HTTPS", "https")),
    st.one_of(_HOSTS, st.sampled_from(("h.test", "H.Test.", "bücher.test", "%68.test", "[0::1]"))),
    st.sampled_from(("", ":80", ":0443", ":00008080", ":")),
    st.one_of(_PAGES, st.text(max_size=12).map(lambda text: f"/{text}")),
)


def test_a_normal_address_is_what_the_client_sends(suite: Suite) -> None:
    def check(address: str) -> None:
        try:
            normal = normal_address(address)
        except ValueError:
            return
        assert normal_address(normal) == normal
        assert str(httpx2.URL(normal)) == normal

    tried = examine(suite, _ADDRESSES, 6_000, check)
    suite.say(f"{tried:,} addresses: each in one form, which the client sends unchanged")


def _tooling(folder: Path, settings: ToolSettings) -> Tooling:
    box = LocalToolbox([], folder, None, lambda: settings)
    return Tooling(box, Consent(lambda: settings.consent, _nobody), lambda: settings)


async def test_a_redirect_of_a_real_call_is_held_to_the_rule(folder: Path, site: _Site) -> None:
    base = f"http://127.0.0.1:{site.port}"
    rule = ConsentRule("shipped/http_get", True, (("url", f"{base}/docs/*"),))
    settings = ToolSettings(http_hosts=("127.0.0.1",), consent=(rule,))
    site.redirects = {"/docs/a": "/admin", "/docs/b": "/docs/c"}
    tooling = _tooling(folder, settings)
    (tool,) = await tooling.box.offer(("http_get",))
    refused = await tooling.run(tool, {"url": f"{base}/docs/a"}, (rule,))
    assert refused.is_error
    assert "not what the rule allows" in refused.output
    assert site.asked == ["/docs/a"]
    followed = await tooling.run(tool, {"url": f"{base}/docs/b"}, (rule,))
    assert not followed.is_error
    assert site.asked == ["/docs/a", "/docs/b", "/docs/c"]
    await tooling.box.close()


async def test_a_link_that_is_changed_after_the_answer_is_not_followed(folder: Path) -> None:
    rule = ConsentRule("shipped/read_file", True, (("path", "docs/*"),))
    deny = ConsentRule("shipped/*", False, (("path", "secrets/**"),))
    tooling = _tooling(folder, ToolSettings(consent=(rule, deny)))
    (tool,) = await tooling.box.offer(("read_file",))
    (folder / "docs" / "a.txt").unlink()
    (folder / "docs" / "a.txt").symlink_to("../.env")
    outcome = await tooling.box.run(tool, {"path": "docs/a.txt"}, rules=(rule,))
    assert outcome.is_error
    assert "not what the rule allows" in outcome.output
    (folder / "docs" / "b.txt").symlink_to("../secrets/key.txt")
    outcome = await tooling.box.run(tool, {"path": "docs/b.txt"})
    assert outcome.is_error
    assert "denies" in outcome.output
    await tooling.box.close()


async def test_changed_arguments_and_a_second_try_pass_no_rule_that_forbids(folder: Path) -> None:
    deny = ConsentRule("shipped/*", False, (("path", "secrets/*"),))
    call = ToolCall("c", "function", "read_file", '{"path": "docs/a.txt"}')

    async def edits(_wanted: CallToDecide) -> Decision:
        return Decision(True, "you", arguments='{"path": "docs/../secrets/key.txt"}')

    wanted = CallToDecide("s", call, _tool("read_file"))
    assert not (await Consent(lambda: (deny,), edits).decide(wanted)).allows
    tooling = _tooling(folder, ToolSettings(consent=(deny,)))
    outcome = await tooling.run(_tool("read_file"), {"path": os.fspath(folder / "docs" / "key")})
    assert outcome.is_error
    assert "forbids" in outcome.output
