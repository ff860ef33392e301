"""Handing sessions on: what is in each form, what is not, and what it can't do."""

import asyncio
import contextlib
import html.parser
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from replyscope.cli.output import open_output
from replyscope.domain.errors import OutputError
from replyscope.domain.event import RequestSent, WireFrame
from replyscope.domain.exchange import SENDABLE, Api, Choice
from replyscope.domain.finish import FinishReason
from replyscope.domain.message import NOTE, Message, OpaquePart, ReplySource, Role, TextPart
from replyscope.domain.shared import Form, Shared
from replyscope.engine.sharing import Sharing
from replyscope.inspection.markup.diagram import PageDiagrams
from replyscope.inspection.sharing.fences import closed
from replyscope.inspection.sharing.frame_redaction import clean_frames
from replyscope.inspection.sharing.headings import demoted
from replyscope.inspection.sharing.html import SessionPage, page_start
from replyscope.inspection.sharing.html_text import markdown
from replyscope.inspection.sharing.jsonl import session_jsonl
from replyscope.inspection.sharing.markdown import session_markdown
from replyscope.inspection.sharing.redaction import PatternTooSlow, Redactor
from replyscope.inspection.sharing.request_code import as_curl, as_python
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.readers.replyscope_json import session_from_json
from replyscope.store.sqlite_store import SqliteStore
from tests.cli.run import environment, run_command
from tests.cli.test_sharing import filled, sessions
from tests.sharing.sessions import AT, rich_session
from tests.support.examples import examples
from tests.support.responses import response
from tests.support.server import LoopbackServer, reply


def as_it_is(text: str) -> str:
    return text


async def test_json_comes_back_byte_for_byte_with_everything_in_it(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / f"{n}.db", "w") for n in range(2)]
    for store in stores:
        await store.open()
    await stores[0].import_session(rich_session())
    texts = []
    for store, other in zip(stores, [*stores[1:], None], strict=True):
        text = session_to_json(await store.load_shared("rich", with_wire=True))
        if other is not None:
            await other.import_session(session_from_json(json.loads(text)))
        texts.append(text)
        await store.close()
    assert texts[0] == texts[1]


@examples(100)
@given(st.text(), st.text(), st.lists(st.tuples(st.floats(0, 1e9), st.text()), max_size=3))
def test_any_text_survives_json(said: str, prompt: str, frames: list[tuple[float, str]]) -> None:
    shared = rich_session(said)
    messages = tuple(
        replace(m, parts=(TextPart(prompt),)) if m.role is Role.USER else m for m in shared.messages
    )
    records = {
        key: replace(record, frames=tuple(WireFrame(at, text) for at, text in frames))
        for key, record in shared.records.items()
    }
    shared = replace(shared, messages=messages, records=records)
    assert session_from_json(json.loads(session_to_json(shared))) == shared


class Page(html.parser.HTMLParser):
    """A page's tags, with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(shared: Shared) -> Page:
    return Page(SessionPage(shared, as_it_is).html())


def test_a_page_keeps_the_branches_that_are_not_shown() -> None:
    page = page_of(rich_session())
    for said in ("Another answer.", "choice 0", "choice 1", "choice 2", "half"):
        assert said in page.text
    assert sum(attrs.get("class") == "other" for _, attrs in page.tags) == 3
    assert "2 of 3" in page.text
    text = session_markdown(rich_session(), as_it_is)
    shown, others = text.split("## Other branches")
    assert "Another answer." in others
    assert "Another answer." not in shown


def test_messages_with_a_mark_and_a_compaction_are_named() -> None:
    shared = rich_session()
    asked, answered = shared.branch[:2]
    note = replace(asked, parts=(OpaquePart(NOTE, "Compacted <b>."),))
    messages = tuple(note if m.id == asked.id else m for m in shared.messages)
    settings = replace(shared.session.settings, left_out=(answered.id,), pinned=(asked.id,))
    session = replace(shared.session, settings=settings)
    shared = replace(shared, session=session, messages=messages)
    text = session_markdown(shared, as_it_is)
    assert "## user (pinned)\n\n*Compacted <b>.*" in text
    assert len(re.findall(r"^## .* \(left out\)$", text, re.MULTILINE)) == 1
    page = SessionPage(shared, as_it_is).html()
    assert "<p><em>Compacted &lt;b&gt;.</em></p>" in page
    marks = re.findall(r'<span class="which">(pinned|left out)</span>', page)
    assert marks == ["pinned", "left out"]


def test_messages_that_are_left_out_say_so_in_json_and_jsonl() -> None:
    shared = rich_session()
    asked, answered = shared.branch[:2]
    settings = replace(shared.session.settings, left_out=(asked.id, answered.id))
    shared = replace(shared, session=replace(shared.session, settings=settings))
    line = json.loads(session_jsonl(shared, as_it_is))
    every = json.loads(session_jsonl(rich_session(), as_it_is))["messages"]
    assert [m for m in line["messages"] if "left_out" not in m] != line["messages"]
    assert [{**m, "left_out": None} for m in line["messages"]] == [
        {**m, "left_out": None} for m in every
    ]
    assert "left_out" not in session_jsonl(shared, as_it_is, whole_only=True)
    value = json.loads(session_to_json(shared))
    assert [m["id"] for m in value["messages"] if m.get("left_out")] == [asked.id, answered.id]


def test_a_call_that_ran_is_told_with_its_result() -> None:
    page = page_of(rich_session())
    assert "All requested tools have run." in page.text
    assert "rows = []" in page.text
    assert "allowed by you, once" in page.text


def test_a_page_of_ten_thousand_messages_is_written_in_seconds() -> None:
    shared = rich_session()
    exchange = shared.exchanges["x2"]
    messages = []
    for n in range(5_000):
        parent = f"r{n - 1}" if n else None
        messages.append(Message(f"q{n}", Role.USER, (TextPart("Why?"),), AT, parent))
        source = (ReplySource("x2"),)
        messages.append(Message(f"r{n}", Role.ASSISTANT, (), AT, f"q{n}", source))
    session = replace(shared.session, head_id="r4999")
    long = Shared(session, tuple(messages), {"x2": exchange})
    assert session_markdown(long, as_it_is).count("## user") == 5_000
    assert SessionPage(long, as_it_is).html().count("<article") == 10_001


MARKDOWN = (
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x) <javascript:alert(1)> "
    "[d](https://a.test/?x=1&y=\"') ![e](https://a.test/p.png) <b onclick=x>y</b> "
    "[f]( java\nscript:alert(1))\n\n| x |\n|--:|\n| 1 |\n\n```py\nx = '</pre><script>'\n```\n"
)


def test_markdown_can_do_nothing_but_link() -> None:
    page = Page(markdown(MARKDOWN, PageDiagrams()))
    links = [attrs.get("href") for tag, attrs in page.tags if tag == "a"]
    assert [link for link in links if link] == ["https://a.test/?x=1&y=%22'"]
    names = {tag for tag, _ in page.tags}
    assert names <= {"div", "p", "a", "table", "thead", "tbody", "tr", "th", "td", "figure",
                     "figcaption", "pre", "code", "span", "br"}  # fmt: skip
    assert not any("style" in attrs or "src" in attrs for _, attrs in page.tags)


_SIGNS = "<>&\"'`[]()!#*_|-\n ajs:/.=\\~\x00\u202e\ud800"


@examples(200)
@given(st.text(alphabet=st.sampled_from(_SIGNS), max_size=80))
def test_no_text_makes_a_tag_of_its_own(text: str) -> None:
    choice = Choice(0, text, text, text)
    shared = rich_session(text)
    exchange = replace(shared.exchanges["x2"], choices=(choice,), model=text, answered_model=text)
    shared = replace(
        shared,
        session=replace(shared.session, title=text),
        exchanges={**shared.exchanges, "x2": exchange},
        tags=(text,),
    )
    for _, attrs in page_of(shared).tags:
        assert not any(name.startswith("on") for name in attrs)
        target = attrs.get("href") or "#"
        assert target.startswith(("#", "http://", "https://", "mailto:"))
    assert "\x00" not in SessionPage(shared, as_it_is).html()


def test_the_style_is_the_only_one_that_a_page_allows() -> None:
    start = page_start("x")
    policy = start.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy


async def test_a_page_of_nothing_is_a_page_all_the_same(store: SqliteStore) -> None:
    written: list[str] = []
    await Sharing(store).export(["gone"], Form.HTML, written.append, Redactor())
    assert "".join(written).startswith("<!doctype html>")


def test_a_fence_that_is_left_open_ends_with_its_reply() -> None:
    text = session_markdown(rich_session("Look:\n\n````python\nx = '```'"), as_it_is)
    headings = [t for t in MarkdownIt().parse(text) if t.type == "heading_open"]
    assert len(headings) >= 6
    assert closed("```\na\n```") == "```\na\n```"
    assert closed("~~~ js\n```") == "~~~ js\n```\n~~~"


_HEADINGS = {
    "a number sign": ("# Big\n\ntext", ["h3 Big"]),
    "two levels": ("## A\n### B", ["h4 A", "h5 B"]),
    "too deep": ("##### A\n###### B", ["h6 A", "h6 B"]),
    "underlined": ("Big\n===\n\nless\n---\ntext", ["h3 Big", "h4 less"]),
    "over two lines": ("Big\nand more\n======", ["h3 Big and more"]),
    "in a quote": ("> # Big\n> text", ["h3 Big"]),
    "in a list": ("- # Big\n- text", ["h3 Big"]),
    "in code": ("```\n# no heading\n```", []),
    "a rule": ("text\n\n---\n\nmore", []),
}


@pytest.mark.parametrize(("text", "wanted"), _HEADINGS.values(), ids=_HEADINGS)
def test_headings_of_a_reply_stay_below_those_of_the_export(text: str, wanted: list[str]) -> None:
    def headings(markdown: str) -> list[str]:
        tokens = MarkdownIt().parse(markdown.partition("\n---\n\n")[2])
        pairs = itertools.pairwise(tokens)
        return [
            f"{a.tag} {' '.join(b.content.split())}" for a, b in pairs if a.type == "heading_open"
        ]

    plain = headings(session_markdown(rich_session("plain"), as_it_is))
    own = headings(session_markdown(rich_session(text), as_it_is))
    for heading in plain:
        own.remove(heading)
    assert own == wanted
    assert demoted(text, 0).split() == text.split() or "=" in text or "---" in text


def test_jsonl_marks_each_reply_as_whole_or_cut() -> None:
    shared = rich_session()
    line = json.loads(session_jsonl(shared, as_it_is))
    said = [m for m in line["messages"] if m["role"] == "assistant"]
    assert len(line["replies"]) == len(said)
    assert {"whole": True, "finish": "stop"} in line["replies"]

    def cut(key: str) -> Shared:
        exchange = shared.exchanges[key]
        choices = tuple(replace(c, finish_reason=FinishReason.LENGTH) for c in exchange.choices)
        return replace(
            shared, exchanges={**shared.exchanges, key: replace(exchange, choices=choices)}
        )

    last = json.loads(session_jsonl(cut("x5"), as_it_is))
    assert last["replies"][-1] == {"whole": False, "finish": "length"}
    whole = json.loads(session_jsonl(cut("x5"), as_it_is, whole_only=True))
    kept = [m for m in whole["messages"] if m["role"] == "assistant"]
    first_cut = [reply["whole"] for reply in last["replies"]].index(False)
    assert kept == said[:first_cut]
    assert whole["messages"] == line["messages"][: len(whole["messages"])]
    assert whole["messages"][-1]["role"] == "assistant"
    assert "replies" not in whole


def test_jsonl_is_what_trainers_take() -> None:
    shared = rich_session()
    line = json.loads(session_jsonl(shared, as_it_is))
    roles = [message["role"] for message in line["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user", "assistant",
                     "user", "assistant"]  # fmt: skip
    asked = line["messages"][2]["tool_calls"][0]
    assert line["messages"][3] == {
        "role": "tool", "tool_call_id": asked["id"], "content": "rows = []"
    }  # fmt: skip
    assert isinstance(line["messages"][1]["content"], list)
    body = b'{"tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web"}]}'
    sent = replace(shared.records["x1"], request=RequestSent("POST", "u", (), body))
    offered = json.loads(session_jsonl(replace(shared, records={"x1": sent}), as_it_is))["tools"]
    assert offered == [{"type": "function", "function": {"name": "f", "parameters": {}}}]


def test_jsonl_ends_with_a_reply_and_leaves_no_call_open() -> None:
    shared = rich_session()
    silent = {**shared.exchanges, "x5": replace(shared.exchanges["x5"], choices=())}
    lines = json.loads(session_jsonl(replace(shared, exchanges=silent), as_it_is))["messages"]
    assert lines[-1]["content"] == "choice 1"
    unrun = tuple(m for m in shared.messages if m.role is not Role.TOOL)
    unrun = tuple(replace(m, parent_id="a1") if m.id in ("a2", "a3") else m for m in unrun)
    lines = json.loads(session_jsonl(replace(shared, messages=unrun), as_it_is))["messages"]
    assert [m["content"] for m in lines if m["role"] == "tool"] == ["(this call was not run)"]
    empty = replace(shared, session=replace(shared.session, head_id="u1"))
    assert session_jsonl(empty, as_it_is) == ""


SECRET = "sk-abcdefghijklmnop1234"


def frames_of(text: str, size: int, api: Api) -> tuple[WireFrame, ...]:
    """The text as a model would write it, a few characters at a time."""
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    made: list[Any] = [
        {"choices": [{"index": 0, "delta": {"content": piece}}]}
        if api is Api.CHAT
        else {"type": "response.output_text.delta", "item_id": "m", "delta": piece}
        for piece in pieces
    ]
    return tuple(
        WireFrame(float(n), f"data: {json.dumps(value)}\n\n") for n, value in enumerate(made)
    )


@pytest.mark.parametrize("api", SENDABLE)
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_a_secret_that_came_in_pieces_is_taken_out_of_every_one(api: Api, size: int) -> None:
    text = f"The key is {SECRET}, mail bob@example.org. "
    clean = Redactor()
    cleaned = clean_frames(frames_of(text, size, api), clean)
    values = [json.loads(frame.text[6:]) for frame in cleaned]
    said = "".join(
        v["choices"][0]["delta"]["content"] if api is Api.CHAT else v["delta"] for v in values
    )
    assert said == "The key is [key], mail [e-mail address]. "
    plain = frames_of("Nothing in it.", 3, api)
    assert clean_frames(plain, clean) == plain


async def test_no_form_lets_a_secret_through(store: SqliteStore) -> None:
    shared = rich_session(f"Take {SECRET} of /home/alice/x")
    frames = (*frames_of(f"Take {SECRET}", 4, Api.CHAT), WireFrame(9.0, f": {SECRET}\n\n"))
    record = replace(shared.records["x1"], frames=frames)
    shared = replace(
        shared,
        session=replace(shared.session, title=f"About {SECRET}"),
        records={**shared.records, "x1": record},
        tags=("t",),
    )
    await store.import_session(shared)
    for form in Form:
        written: list[str] = []
        await Sharing(store).export(["rich"], form, written.append, Redactor())
        text = "".join(written)
        assert SECRET not in text
        assert "alice" not in text
        assert "".join(piece for piece in SECRET[-4:]) not in text.replace(" ", "")
    assert SECRET not in await Sharing(store).stream_text("x1", Redactor())


def test_a_preview_says_what_and_where_and_gives_nothing_away() -> None:
    clean = Redactor(["ACME-[0-9]+"], home="/srv/people/carol")
    clean.enter("First talk")
    clean(f"{SECRET} and ACME-77 in /srv/people/carol/x, password: hunter2222")
    report = "\n".join(clean.report)
    assert "2 × key: sk-a… (23 characters)" in report
    assert "in “First talk” 2 ×" in report
    assert "1 × own pattern" in report
    for secret in (SECRET, "ACME-77", "hunter2222"):
        assert secret not in report


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://bob:hunter2@host.test/x", "https://bob:[key]@host.test/x"),
        ("api_key=os.environ['KEY']", "api_key=os.environ['KEY']"),
        ('{"path": "C:\\\\Users\\\\alice\\\\x"}', '{"path": "~\\\\x"}'),
        ('{"path": "\\/home\\/alice\\/x"}', '{"path": "~\\/x"}'),
        ("sk-learn-pipelines-and-more", "sk-learn-pipelines-and-more"),
        ("/home/alice", "~"),
        ("see user@host", "see user@host"),
    ],
)
def test_what_is_secret_goes_and_what_is_not_stays(text: str, kept: str) -> None:
    assert Redactor()(text) == kept


def test_a_pattern_without_end_is_stopped_and_named() -> None:
    clean = Redactor(["(?:a|aa)+$"])
    with pytest.raises(PatternTooSlow, match=r"\(\?:a\|aa\)\+\$"):
        clean("a" * 60 + "b")
    long = "a.b-c%" * 60_000 + "eyJ" * 20_000 + "-----BEGIN PRIVATE KEY-----" * 300
    assert Redactor()(long) == long


def test_a_wrong_pattern_is_told(server: LoopbackServer, tmp_path: Path) -> None:
    session_id = filled(tmp_path, server)
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "settings.toml").write_text('redact = ["(x+x+)+y", "(open"]\n')
    done = run_command(tmp_path, "sessions", "export", session_id, "--redact")
    assert done.returncode == 2
    assert "'(open' is not a valid regular expression" in done.stderr


def test_a_request_runs_as_a_command_and_as_a_program(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """Both send the same bytes as the app did, and neither holds the key."""
    server.routes["POST", "/chat/completions"] = reply("Yes.")
    server.routes["POST", "/responses"] = response("Yes.")
    for api in ("chat", "responses"):
        session_id = filled_over(tmp_path, server, api)
        shown = json.loads(sessions(tmp_path, "show", session_id, "--json"))
        exchange = shown["exchanges"][0]["id"]
        sent = server.bodies[-1]
        keys = environment(
            tmp_path, OPENAI_API_KEY="sk-not-the-one-0000", X_GATEWAY_KEY="gateway-secret-1"
        )
        program = sessions(tmp_path, "export", exchange, "--format", "python")
        subprocess.run([sys.executable, "-c", program], env=keys, check=True, capture_output=True,
                       timeout=60)  # fmt: skip
        assert server.bodies[-1] == sent
        assert own_headers(server) == OWN_HEADERS
        command = sessions(tmp_path, "export", exchange, "--format", "curl")
        assert "sk-" not in program + command
        assert "gateway-secret" not in program + command
        if shutil.which("curl"):
            before = len(server.bodies)
            subprocess.run(["sh", "-c", command], env=keys, check=True, capture_output=True,
                           timeout=60)  # fmt: skip
            assert len(server.bodies) == before + 1
            assert server.bodies[-1] == sent
            assert own_headers(server) == OWN_HEADERS


OWN_HEADERS = {"x-trace": "it's 1", "x-gateway-key": "gateway-secret-1"}


def own_headers(server: LoopbackServer) -> dict[str, str]:
    """The headers of the last request that its settings name."""
    return {name: server.headers[-1].get(name, "") for name in OWN_HEADERS}


def filled_over(folder: Path, server: LoopbackServer, api: str) -> str:
    said = 'It\'s "quoted" $HOME `x` \\ \u00e9\U0001f600\n' + "long " * 40
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "settings.toml").write_text(
        f'[providers.gate]\nbase_url = "{server.base_url}"\nkey_env = "OPENAI_API_KEY"\n'
        'headers = { x-gateway-key = "gateway-secret-1" }\n'
    )
    done = run_command(
        folder, "ask", said, "--json", "--api", api, "--provider", "gate",
        "--model", "m", "--temperature", "0.1", "--max-tokens", "9",
        "-P", 'extra_headers={"x-trace": "it\'s 1"}',
        OPENAI_API_KEY="sk-secret-1234567890",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["session_id"])


def test_a_request_that_is_too_long_for_an_argument_comes_over_a_pipe(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        server.routes["POST", "/chat/completions"] = reply("Yes.")
        body = json.dumps({"model": "m", "x_own": 1, "messages": ["'" * 200_000]}).encode()
        url = f"{server.base_url}/chat/completions"
        sent = RequestSent("POST", url, (), body)
        program = as_python(sent, as_it_is)
        assert "extra_body={'x_own': 1}" in program
        compile(program, "program", "exec")
        if shutil.which("curl") is None:
            pytest.skip("needs curl")
        (tmp_path / "run.sh").write_text(as_curl(sent, as_it_is))
        subprocess.run(["sh", tmp_path / "run.sh"], check=True, capture_output=True, timeout=60)
        assert server.bodies == [body]


def test_azure_s_request_names_its_own_key() -> None:
    headers = (("api-key", "***"), ("openai-project", "p"))
    url = "https://a.test/openai/deployments/d/chat/completions?api-version=2026-01"
    sent = RequestSent("POST", url, headers, b'{"model": "d", "messages": []}')
    assert "api-key: $AZURE_OPENAI_API_KEY" in as_curl(sent, as_it_is)
    program = as_python(sent, as_it_is)
    compile(program, "program", "exec")
    assert "default_query={'api-version': '2026-01'}" in program


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    target.write_text("older")
    target.chmod(0o640)
    with contextlib.suppress(RuntimeError), open_output(str(target)) as write:
        write("half")
        raise RuntimeError
    assert (target.read_text(), len(list(tmp_path.iterdir()))) == ("older", 1)
    link = tmp_path / "link.html"
    link.symlink_to(target)
    with open_output(str(link)) as write:
        write("whole \ud800")
    assert link.is_symlink()
    assert target.read_text() == "whole \ufffd"
    assert target.stat().st_mode & 0o777 == 0o640
    with pytest.raises(OutputError, match="is a folder"), open_output(str(tmp_path)) as write:
        write("x")
    with pytest.raises(OutputError), open_output(str(tmp_path / "no" / "x.html")) as write:
        write("x")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        with open_output(str(pipe)) as write:
            write("through")
        assert reader.communicate(timeout=30)[0] == b"through"
    assert pipe.is_fifo()


_FILL = """
import resource, sys
from replyscope.cli.output import open_output
resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
with open_output(sys.argv[1]) as write:
    for _ in range(int(sys.argv[2])):
        write("word " * 100)
"""


@pytest.mark.parametrize("number", [19, 400])  # fails when it is closed, and before
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(tmp_path / "x.md"), str(number)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "OutputError" in done.stderr.splitlines()[-1]
    assert "can't be written" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_full_disk_behind_standard_output_is_told(server: LoopbackServer, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    session_id = filled(tmp_path, server)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "replyscope", "sessions", "export", session_id],
            env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "replyscope: Standard output can't be written (No space left on device)."
    ]


async def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    store = SqliteStore(tmp_path / "data" / "sessions.db", "w")
    await store.open()
    await store.import_session(rich_session("word " * 400_000))
    await store.close()
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", f"'{sys.executable}' -m replyscope sessions export rich | head -c 20"],
        env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("---\ntitle:")
    assert done.stderr == ""


def test_a_query_exports_what_it_finds_and_nothing_else(
    server: LoopbackServer, tmp_path: Path
) -> None:
    ids = [filled(tmp_path, server, f"About {word}") for word in ("apples", "pears")]
    found = json.loads(sessions(tmp_path, "export", "--query", "pears", "--format", "json"))
    assert found["id"] == ids[1]
    nothing = tmp_path / "none.json"
    done = run_command(tmp_path, "sessions", "export", "--query", "plums", "-o", str(nothing))
    assert done.returncode == 2
    assert "No replies match" in done.stderr
    assert not nothing.exists()


async def test_an_export_goes_on_while_somebody_searches(store: SqliteStore) -> None:
    """A search that is broken off by the next keystroke must not take the export along."""
    await store.import_session(rich_session())
    reading = [asyncio.create_task(store.load_shared("rich", with_wire=True)) for _ in range(40)]
    while not all(task.done() for task in reading):
        store.database.interrupt_search()
        await asyncio.sleep(0)
    assert all(task.exception() is None for task in reading)


def test_a_frame_whose_kind_is_no_name_is_cleaned_too() -> None:
    frame = WireFrame(0.0, 'data: {"type": [], "index": {}, "text": "mail me@home.test"}\n\n')
    (cleaned,) = clean_frames([frame], Redactor())
    assert "me@home.test" not in cleaned.text
    assert "mail" in cleaned.text
