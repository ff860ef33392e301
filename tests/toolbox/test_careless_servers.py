"""Tool servers that answer carelessly: one odd thing costs itself, is named, and no more."""

import asyncio
import base64
import json
import logging
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.tool import McpServer, ToolOutcome, ToolSettings, ToolSource
from replyscope.engine.tool_runner import misfit
from replyscope.toolbox.envelope import BARE, NotAMessage, read_messages
from replyscope.toolbox.files import NOT_KEPT, KeptFiles
from replyscope.toolbox.listing import find_tools
from replyscope.toolbox.raw_results import valid_result
from replyscope.toolbox.results import read_result
from replyscope.toolbox.toolbox import LocalToolbox
from tests.support.suite import sample
from tests.toolbox.test_children import is_running
from tests.toolbox.test_servers import FAULTY

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03"


@dataclass(frozen=True)
class Met:
    """A server that was met: how it stands, its tools' names, and the result of `ping`."""

    box: LocalToolbox
    tools: tuple[str, ...]
    source: ToolSource

    async def ping(self, **arguments: Any) -> ToolOutcome:
        tool = next(tool for tool in await self.box.offer(["mcp:odd"]) if tool.own_name == "ping")
        outcome = await self.box.run(tool, arguments)
        return ToolOutcome(outcome.output + misfit(tool, outcome), outcome.is_error, outcome.detail)


@asynccontextmanager
async def meet(
    folder: Path, script: Mapping[str, Any], timeout_s: float = 30, **entry: Any
) -> AsyncIterator[Met]:
    """Start a scripted server and list its tools."""
    arguments = (FAULTY, "scripted", json.dumps(script))
    server = McpServer("odd", sys.executable, arguments, **{"folder": str(folder), **entry})
    settings = ToolSettings(servers=(server,), timeout_s=timeout_s)
    box = LocalToolbox([], folder, folder / "kept", lambda: settings)
    try:
        tools = await box.offer(["mcp:odd"])
        source = next(one for one in await box.sources() if one.name == "mcp:odd")
        yield Met(box, tuple(tool.own_name for tool in tools), source)
    finally:
        await box.close()


def lists(*tools: Any, **more: Any) -> dict[str, Any]:
    return {"answers": {"tools/list": {"result": {"tools": list(tools), **more}}}}


def results(result: Any) -> dict[str, Any]:
    return {"answers": {"tools/call": {"result": result}}}


PING = {"name": "ping", "inputSchema": OBJECT}

# An entry of the list, and words of the note that names it; None where it is usable.
ENTRIES: list[tuple[Any, str | None]] = [
    ({"name": "x", "inputSchema": {}}, None),
    ({"name": "x"}, None),
    ({"name": "x", "inputSchema": None}, None),
    ({"name": "x", "inputSchema": True}, None),
    ({"name": "x", "input_schema": OBJECT}, None),
    ({"name": "x", "inputSchema": {"type": ["object", "null"]}}, None),
    ({"name": "x", "inputSchema": {"properties": {"a": {}}}}, None),
    ({"name": "x", "inputSchema": {**OBJECT, "required": None}}, None),
    ({"name": "x", "inputSchema": {"type": "object", "properties": None}}, None),
    ({"name": "x", "inputSchema": {"$ref": "#/$defs/A", "$defs": {"A": OBJECT}}}, None),
    ({"name": "x", "inputSchema": OBJECT, "description": None, "annotations": "odd"}, None),
    ({"name": "x", "inputSchema": OBJECT, "description": 7, "title": [], "icons": 3}, None),
    ({"name": "x", "inputSchema": OBJECT, "_meta": 1, "execution": "?", "new": {}}, None),
    ({"name": "x", "inputSchema": {"properties": {"a": {"pattern": "(?<n>[a-z"}}}}, None),
    ({"name": "x", "inputSchema": {"properties": {"$ref": {"type": "string"}}}}, None),
    ({"name": "x", "inputSchema": {"properties": {"a": {"default": {"$ref": "#/no"}}}}}, None),
    ({"name": "x", "inputSchema": {"anyOf": [OBJECT, OBJECT]}}, "does not describe an object"),
    ({"name": "x", "inputSchema": {"oneOf": [OBJECT]}}, "does not describe an object"),
    ({"name": "x", "inputSchema": {"type": "string"}}, "does not describe an object"),
    ({"name": "x", "inputSchema": {"type": "array", "items": {}}}, "does not describe an object"),
    ({"name": "x", "inputSchema": {"$ref": "#"}}, "does not describe an object"),
    ({"name": "x", "inputSchema": {"type": "obj"}}, "is invalid"),
    ({"name": "x", "inputSchema": {**OBJECT, "required": True}}, "is invalid"),
    ({"name": "x", "inputSchema": {"properties": {"required": ["a"]}}}, "is invalid"),
    ({"name": "x", "inputSchema": {"properties": {"a": {"type": "int"}}}}, "is invalid"),
    ({"name": "x", "inputSchema": {"properties": {"a": None}}}, "is invalid"),
    ({"name": "x", "inputSchema": {"properties": []}}, "is invalid"),
    ({"name": "x", "inputSchema": {"$schema": ["x"]}}, "is invalid"),
    ({"name": "x", "inputSchema": "string"}, "is not an object"),
    ({"name": "x", "inputSchema": False}, "is not an object"),
    ({"name": "x", "inputSchema": [OBJECT]}, "is not an object"),
    ({"name": "x", "inputSchema": {"properties": {"a": {"$ref": "#/$defs/B"}}}}, "#/$defs/B"),
    ({"name": "x", "inputSchema": {"properties": {"a": {"$ref": "http://h/s"}}}}, "http://h/s"),
    ({"name": "x", "inputSchema": {"properties": {"a": {"enum": ["y" * 600_000]}}}}, "larger"),
    ({"name": "x", "inputSchema": {"minimum": float("nan")}}, "is invalid"),
    ({"inputSchema": OBJECT}, "tool 2 of the list has no name"),
    ({"name": None, "inputSchema": OBJECT}, "tool 2 of the list has no name"),
    ({"name": " ", "inputSchema": OBJECT}, "tool 2 of the list has no name"),
    ({"name": 5, "inputSchema": OBJECT}, "tool 2 of the list has no name"),
    (None, "tool 2 of the list has no name"),
    ("x", "tool 2 of the list has no name"),
    ([PING], "tool 2 of the list has no name"),
]


@pytest.mark.parametrize(("entry", "words"), ENTRIES)
def test_one_odd_tool_costs_itself_and_is_named(entry: Any, words: str | None) -> None:
    listing = find_tools([PING, entry, {"name": "last", "inputSchema": OBJECT}])
    names = [tool.name for tool in listing.tools]
    assert names == (["ping", "x", "last"] if words is None else ["ping", "last"])
    if words is None:
        assert listing.notes == []
    else:
        (note,) = listing.notes
        assert words in note
        assert "skipped" in note
    for tool in listing.tools:
        assert tool.schema["type"] == "object"
        assert isinstance(tool.schema["properties"], dict)


def test_a_schema_of_any_depth_is_read_or_named() -> None:
    deep: Any = {}
    for _ in range(900):
        deep = {"items": deep}
    listing = find_tools([{"name": "deep", "inputSchema": {"properties": {"a": deep}}}, PING])
    assert [tool.name for tool in listing.tools][-1] == "ping"
    assert len(listing.tools) + len(listing.notes) == 2


def test_an_output_schema_that_is_wrong_costs_only_the_check() -> None:
    listing = find_tools([{**PING, "outputSchema": {"type": "int"}}])
    assert listing.tools[0].output_schema is None
    assert "its output schema is invalid" in listing.notes[0]


def test_tools_in_an_object_by_their_names_are_read() -> None:
    assert [tool.name for tool in find_tools({"ping": {"inputSchema": OBJECT}}).tools] == ["ping"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "type", "text", "inputSchema", "properties", "$ref", "data", "x"]
            )
            | st.text(max_size=4),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_list_and_no_result_is_a_fault_of_ours(value: Any) -> None:
    raw = value if isinstance(value, dict) else {BARE: value}
    for tool in find_tools(value).tools:
        assert tool.schema["type"] == "object"
    for method in ("initialize", "tools/list", "tools/call", "resources/read", "prompts/get", ""):
        assert isinstance(valid_result(method, raw), dict)
    outcome = read_result({"content": value, "structuredContent": value}, NOT_KEPT)
    assert isinstance(outcome.output, str)


async def test_a_server_with_odd_tools_keeps_the_others(tmp_path: Path) -> None:
    odd = [entry for entry, words in ENTRIES if words is not None and "larger" not in words]
    async with meet(tmp_path, lists(PING, *odd)) as met:
        assert met.tools == ("ping",)
        assert "1 tool" in met.source.state
        assert len(met.source.notes) > 10
        assert (await met.ping(a="x")).output == "pong"


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "p\ud800"},
        {"name": "p", "description": "\udfff"},
        {"name": "p", "inputSchema": {"properties": {"a\udc00": {"title": "\ud800x"}}}},
    ],
)
async def test_half_a_surrogate_pair_costs_no_tool(tmp_path: Path, tool: Any) -> None:
    async with meet(tmp_path, lists(PING, tool)) as met:
        assert len(met.tools) == 2
        for offered in await met.box.offer(["mcp:odd"]):
            (offered.own_name + offered.description + str(json.loads(offered.schema))).encode()


def test_whole_pairs_stay_and_halves_are_replaced() -> None:
    text = r'{"id": 1, "result": {"a": "\ud83d\ude00 \ud83d", "\uDC00": 1}}'
    (message,) = read_messages(text.encode())
    assert message.model_dump()["result"] == {"a": "\U0001f600 \ufffd", "\ufffd": 1}


PAGES: list[tuple[Any, set[str], str]] = [
    ({"tools": [PING], "nextCursor": None}, {"ping"}, ""),
    ({"tools": [PING], "nextCursor": ""}, {"ping"}, ""),
    ({"tools": [PING], "nextCursor": "again"}, {"ping"}, ""),
    ({"tools": [PING], "nextCursor": 7}, {"ping"}, ""),
    ({"tools": [PING, PING]}, {"ping"}, ""),
    ({"tools": [PING, {**PING, "description": "2"}]}, {"ping"}, "listed twice"),
    ({"tools": [PING], "ttlMs": -1, "cacheScope": 3, "_meta": None, "x": 1}, {"ping"}, ""),
    ([PING], {"ping"}, ""),
    ({"tools": {"ping": {"inputSchema": OBJECT}}}, {"ping"}, ""),
    ({"tools": None}, set(), ""),
    ({"tools": "none"}, set(), "not a list"),
    ({}, set(), ""),
    (None, set(), ""),
]


@pytest.mark.parametrize(("page", "names", "words"), PAGES)
async def test_lists_of_any_form_are_read_and_have_an_end(
    tmp_path: Path, page: Any, names: set[str], words: str
) -> None:
    async with meet(tmp_path, {"answers": {"tools/list": {"result": page}}}) as met:
        assert set(met.tools) == names
        assert len(met.tools) == len(names)
        assert not met.source.fault
        assert words in " ".join(met.source.notes)


async def test_a_list_of_thousands_is_cut_and_says_so(tmp_path: Path) -> None:
    many = [{"name": f"tool{number}"} for number in range(1_500)]
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    server = McpServer("odd", sys.executable, (str(script),))
    settings = ToolSettings(servers=(server,))
    box = LocalToolbox([], tmp_path, None, lambda: settings)
    try:
        assert len(await box.offer(["mcp:odd"])) == 1_000
        (source,) = [one for one in await box.sources() if one.name == "mcp:odd"]
        assert "more than 1,000 tools" in " ".join(source.notes)
    finally:
        await box.close()
    async with meet(tmp_path, lists(*many)) as met:
        assert len(met.tools) == 1_000


# Each page has another cursor, for ever.
ENDLESS = """
import itertools, json, sys
numbers = itertools.count()
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    method = request["method"]
    answer = {"error": {"code": -32601, "message": "unknown"}}
    if method == "initialize":
        answer = {"result": {"protocolVersion": "2025-06-18", "capabilities": {}}}
    if method == "tools/list":
        tools = [{"name": f"t{next(numbers)}"} for _ in range(30)]
        answer = {"result": {"tools": tools, "nextCursor": str(next(numbers))}}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}), flush=True)
"""


# What a server answers to `initialize`.
WELCOMES: list[Any] = [
    {},
    {"protocolVersion": "2025-06-18"},
    {"protocolVersion": "2024-10-07", "capabilities": {"tools": {}}},
    {"protocolVersion": "1.0.0", "capabilities": None, "serverInfo": None},
    {"protocolVersion": 3, "capabilities": [], "serverInfo": "odd 1"},
    {"protocolVersion": "2025-11-25", "capabilities": {"tools": [PING]}, "serverInfo": {}},
    {"protocolVersion": "2025-11-25", "capabilities": {"tools": True, "resources": None}},
    {"serverInfo": {"name": "odd", "version": 2, "icons": "x"}, "instructions": 5},
    [],
    None,
]


@pytest.mark.parametrize("welcome", WELCOMES)
async def test_a_welcome_of_any_form_is_one(tmp_path: Path, welcome: Any) -> None:
    async with meet(tmp_path, {"answers": {"initialize": {"result": welcome}}}) as met:
        assert met.tools == ("ping",)
        assert (await met.ping()).output == "pong"


# Lines on stdout before the answer to a call; $ID is the id of the request.
WHEN = ("", "initialize", "tools/list", "tools/call")
NOISE: list[Sequence[str]] = [
    ["Server started on stdio!", "", "  ", "[INFO] ready"],
    ["{half", '{"jsonrpc": "2.0"}', "[]", "7", "null", '"text"', "{}"],
    ['{"jsonrpc": "2.0", "method": "notifications/of/an/unknown/kind", "params": {"a": 1}}'],
    ['{"jsonrpc": "2.0", "method": "notifications/message"}'],
    ['{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "x", "data": 1}}'],
    ['{"jsonrpc": "2.0", "method": "notifications/progress", "params": null}'],
    ['{"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": []}'],
    ['{"jsonrpc": "2.0", "id": 4711, "result": {}}', '{"jsonrpc": "2.0", "id": "x", "error": {}}'],
    ['{"jsonrpc": "2.0", "id": null, "error": {"code": "x", "message": null}}'],
    ['{"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {}}'],
    ['{"jsonrpc": "2.0", "id": "r", "method": "roots/list"}'],
    ['{"jsonrpc": "2.0", "id": 9, "method": "no/such/method", "params": {"x": []}}'],
    ["\x1b[31mred\x1b[0m \x07 \u202e", "\ufeff\ufeffnoise", "x" * 100_000],
    ["Content-Length: 12\r", "\r"],
    ["[" * 100_000],
]


@pytest.mark.parametrize(("when", "lines"), sample(product(WHEN, NOISE), 16))
async def test_noise_on_stdout_is_logged_and_never_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], lines: Sequence[str], when: str
) -> None:
    logging.getLogger("mcp").setLevel(logging.DEBUG)
    async with meet(tmp_path, {"lines": {when: lines}}) as met:
        assert met.tools == ("ping",)
        assert (await met.ping()).output == "pong"
        (source,) = [one for one in await met.box.sources() if one.name == "mcp:odd"]
        if lines[0].startswith("Server"):
            assert "[stdout] Server started on stdio!" in source.log
    assert capfd.readouterr() == ("", "")


# Envelopes of an answer: what stands around the result.
ENVELOPES = [
    '{"id": $ID, "result": {"content": [{"type": "text", "text": "odd"}]}}',
    '{"jsonrpc": "1.0", "id": $ID, "result": {"content": "odd"}, "error": null}',
    '\ufeff{"jsonrpc": "2.0", "id": "$ID", "result": {"content": ["odd"]}}\r',
    '[{"jsonrpc": "2.0", "id": $ID, "result": {"content": "odd"}}, {"method": "x"}]',
    '{"jsonrpc": "2.0", "id": $ID.0, "result": "odd", "extra": 1}',
    '{"jsonrpc": "2.0", "id": $ID, "result": ["odd"]}',
]


@pytest.mark.parametrize("line", ENVELOPES)
async def test_an_answer_in_any_envelope_is_taken(tmp_path: Path, line: str) -> None:
    script = {"lines": {"tools/call": [line]}, "deaf": ["tools/call"]}
    async with meet(tmp_path, script) as met:
        assert (await met.ping()).output == "odd"


ERRORS: list[tuple[Any, str]] = [
    ({"code": -32000, "message": "the well is dry"}, "the well is dry"),
    ("the well is dry", "the well is dry"),
    ({"code": "E1", "message": "the well is dry"}, "the well is dry"),
    ({"code": 1, "message": {"text": "the well is dry"}}, "the well is dry"),
    ({"detail": "the well is dry"}, "the well is dry"),
    (["the well is dry"], "the well is dry"),
]


@pytest.mark.parametrize(("error", "words"), ERRORS)
async def test_an_error_of_any_form_is_told_in_the_servers_words(
    tmp_path: Path, error: Any, words: str
) -> None:
    async with meet(tmp_path, {"answers": {"tools/call": {"error": error}}}) as met:
        outcome = await met.ping()
        assert outcome.is_error
        assert words in outcome.output


# A result, the text that the model gets, and whether it is an error.
RESULTS: list[tuple[Any, str, bool]] = [
    (
        {"content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        "one\ntwo",
        False,
    ),
    ({"content": "one"}, "one", False),
    ({"content": {"type": "text", "text": "one"}}, "one", False),
    ({"content": ["one", 2, None, [3]]}, "one\n2\nnull\n[3]", False),
    ({"content": [{"text": "no type"}]}, "no type", False),
    ({"content": [{"type": "text", "text": 5}]}, "5", False),
    ({"content": [{"type": "text", "text": {"a": 1}}]}, '{"a": 1}', False),
    ({"content": [{"type": "text"}]}, "[a block of the type text without content: {}]", False),
    ({"content": [], "structuredContent": {"a": 1}}, '{"a": 1}', False),
    ({"content": None, "structuredContent": [1, 2]}, "[1, 2]", False),
    ({"structuredContent": "x"}, '"x"', False),
    ({"structuredContent": 0}, "0", False),
    (
        {"content": [{"type": "text", "text": '{"a":1}'}], "structuredContent": {"a": 1}},
        '{"a":1}',
        False,
    ),
    (
        {"content": [{"type": "text", "text": "said"}], "structuredContent": {"result": "said"}},
        "said",
        False,
    ),
    (
        {"content": [{"type": "text", "text": "found 2"}], "structuredContent": {"ids": [1, 2]}},
        'found 2\n{"ids": [1, 2]}',
        False,
    ),
    (
        {"content": [{"type": "hologram", "beam": 7}, {"type": "text", "text": "rest"}]},
        '[a block of the unknown type "hologram": {"beam": 7}]\nrest',
        False,
    ),
    ({"content": [{"type": None, "x": 1}]}, "[a block of the unknown type null", False),
    ({"content": [{"type": 3}]}, "[a block of the unknown type 3: {}]", False),
    (
        {"content": [{"type": "resource_link", "uri": "f:/a", "name": "A", "description": "b"}]},
        "A: f:/a (b)",
        False,
    ),
    ({"content": [{"type": "resource_link", "uri": "f:/a"}]}, "f:/a", False),
    (
        {"content": [{"type": "resource", "resource": {"uri": "f:/a", "text": "hi"}}]},
        "f:/a\nhi",
        False,
    ),
    ({"content": [{"type": "resource", "resource": {"text": "hi"}}]}, "hi", False),
    (
        {"content": [{"type": "resource", "resource": {"uri": "f:/a"}}]},
        "[the resource f:/a without content]",
        False,
    ),
    ({"content": [{"type": "resource"}]}, "[a block of the type resource without", False),
    ({"content": [{"type": "image", "data": "%%%", "mimeType": "image/png"}]}, "not base64", False),
    ({"content": [{"type": "image"}]}, "[image/png whose data is not base64]", False),
    ({"content": [{"type": "audio", "data": 5}]}, "[audio/wav whose data is not base64]", False),
    ({"content": [], "isError": True}, "Error: the tool failed and said nothing.", True),
    ({"isError": True, "structuredContent": {"why": "x"}}, 'Error: {"why": "x"}', True),
    ({"content": [{"type": "hologram"}], "isError": "true"}, "Error: [a block", True),
    ({"content": "no", "isError": 1}, "Error: no", True),
    ({"content": "yes", "isError": None}, "yes", False),
    ({"content": "yes", "isError": "false", "_meta": 4}, "yes", False),
    ({"toolResult": {"a": 1}}, '[no content; the result is {"toolResult": {"a": 1}}]', False),
    ({}, "", False),
    (None, "", False),
    ("text", "text", False),
]


@pytest.mark.parametrize(("result", "words", "is_error"), RESULTS)
def test_a_result_of_any_form_is_read(result: Any, words: str, is_error: bool) -> None:
    raw = result if isinstance(result, dict) else {BARE: result}
    read = valid_result("tools/call", raw)["_meta"]["replyscope/raw"]
    outcome = read_result(read, NOT_KEPT)
    assert outcome.output.startswith(words) or words in outcome.output
    assert outcome.is_error is is_error


async def test_results_of_any_form_pass_the_whole_way(tmp_path: Path) -> None:
    for number, (result, words, is_error) in enumerate(RESULTS[::4]):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with meet(folder, results(result)) as met:
            outcome = await met.ping()
            assert (words in outcome.output, outcome.is_error) == (True, is_error), result


@pytest.mark.parametrize(
    "data",
    [
        base64.b64encode(PICTURE).decode(),
        "data:image/png;base64," + base64.b64encode(PICTURE).decode(),
        "\n".join(base64.b64encode(PICTURE).decode()[at : at + 10] for at in range(0, 40, 10)),
    ],
)
def test_a_picture_is_kept_however_it_is_written(tmp_path: Path, data: str) -> None:
    kept = KeptFiles(tmp_path / "kept")
    for block in ({"type": "image", "data": data}, {"data": data, "mimeType": "image/png"}):
        outcome = read_result({"content": [block]}, kept)
        assert outcome.files[0].media_type == "image/png"
        assert Path(outcome.files[0].path).read_bytes() == PICTURE


def test_a_file_that_cannot_be_saved_costs_no_text(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    blocks = [
        {"type": "image", "data": base64.b64encode(PICTURE).decode()},
        {"type": "text", "text": "the rest"},
    ]
    outcome = read_result({"content": blocks}, KeptFiles(tmp_path / "kept"))
    assert "cannot be saved" in outcome.output
    assert outcome.output.endswith("the rest")


NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize(
    ("result", "note"),
    [
        ({"content": "text", "structuredContent": {"n": "x"}}, "$.n: 'x' is not of type 'integer'"),
        ({"content": "text", "structuredContent": {}}, "'n' is a required property"),
        ({"content": "text", "structuredContent": [1]}, "[1] is not of type 'object'"),
        ({"content": "text"}, "sent no structured content"),
        ({"content": "text", "structuredContent": {"n": 1}}, ""),
        ({"content": "text", "isError": True}, ""),
    ],
)
async def test_a_result_that_does_not_fit_goes_to_the_model_with_a_note(
    tmp_path: Path, result: Any, note: str
) -> None:
    script = {
        "answers": {
            "tools/list": {"result": {"tools": [{**PING, "outputSchema": NUMBER}]}},
            "tools/call": {"result": result},
        }
    }
    async with meet(tmp_path, script) as met:
        outcome = await met.ping()
        assert "text" in outcome.output
        assert note in outcome.output
        assert ("[note:" in outcome.output) is bool(note)


# Servers that hang or end at the start, and words of the reason.
STARTS: list[tuple[Mapping[str, Any], str]] = [
    ({"deaf": ["initialize", "server/discover"]}, "did not answer within"),
    ({"deaf": ["initialize"]}, "did not answer within"),
    ({"deaf": ["tools/list"]}, "did not answer within"),
    ({"last": "server/discover", "deaf": ["initialize"]}, "did not answer within"),
    ({"last": "initialize", "deaf": ["initialize"]}, "it ended with status 3"),
    (
        {"answers": {"initialize": {"error": {"code": 1, "message": "no licence"}}}},
        "it answered: no licence",
    ),
]


@pytest.mark.parametrize(("script", "words"), STARTS)
async def test_a_server_that_does_not_start_is_named_with_the_reason_in_time(
    tmp_path: Path, script: Mapping[str, Any], words: str
) -> None:
    before = time.monotonic()
    async with meet(tmp_path, {**script, "lines": {"": ["no database"]}}, timeout_s=2) as met:
        assert time.monotonic() - before < 6
        assert met.tools == ()
        assert words in met.source.fault
        if "licence" not in words and "tools/list" not in script.get("deaf", ()):
            assert "no database" in met.source.fault
    assert time.monotonic() - before < 10


async def test_a_server_that_ends_when_asked_what_it_does_not_know_is_used(tmp_path: Path) -> None:
    async with meet(tmp_path, {"last": "server/discover"}) as met:
        assert met.tools == ("ping",)


async def test_a_server_that_has_ended_by_itself_is_started_again(tmp_path: Path) -> None:
    async with meet(tmp_path, {"last": "tools/call"}) as met:
        assert (await met.ping()).output == "pong"
        await asyncio.sleep(0.5)
        assert (await met.ping()).output == "pong"


async def test_a_message_without_an_end_is_bounded(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    endless = 'while True: sys.stdout.write("x" * 65536)'
    script.write_text(
        ENDLESS.replace(
            '    if method == "tools/list":', f"    if method == 'tools/list':\n        {endless}"
        )
    )
    server = McpServer("odd", sys.executable, (str(script),))
    settings = ToolSettings(servers=(server,))
    box = LocalToolbox([], tmp_path, None, lambda: settings)
    try:
        assert await box.offer(["mcp:odd"]) == ()
        (source,) = [one for one in await box.sources() if one.name == "mcp:odd"]
        assert "more than 56 MB" in source.fault
    finally:
        await box.close()


@pytest.mark.skipif(not shutil.which("setsid"), reason="setsid of util-linux")
async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    server = McpServer(
        "odd",
        "sh",
        (
            "-c",
            f'setsid sh -c "echo \\$\\$ > {marker}; sleep 600" & exec "$0" "$@"',
            sys.executable,
            FAULTY,
            "scripted",
            "{}",
        ),
    )
    settings = ToolSettings(servers=(server,))
    box = LocalToolbox([], tmp_path, None, lambda: settings)
    try:
        assert len(await box.offer(["mcp:odd"])) == 1
        async with asyncio.timeout(5):
            while not (marker.exists() and marker.read_text().strip()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await box.close()
    assert not is_running(int(marker.read_text()))


async def test_a_module_of_the_working_folder_is_no_tool_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("json.py", "mcp.py", "site.py", "mcp_server_time.py"):
        (tmp_path / name).write_text("open('sprung', 'w').write(__name__)")
    server = McpServer("odd", sys.executable, ("-m", "mcp_server_time"))
    settings = ToolSettings(servers=(server,))
    box = LocalToolbox([], tmp_path, None, lambda: settings)
    try:
        await box.offer(["mcp:odd"])
    finally:
        await box.close()
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "1", "{}", '{"id": 1}', '{"id": true, "result": {}}', "[" * 90_000]
)
def test_what_is_no_message_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NotAMessage):
        list(read_messages(text.encode()))
