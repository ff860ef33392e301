"""Imports of generated exports: they never fail, and no text of them is lost in silence."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.foreign import ForeignConversation, Unreadable, shared_of
from replyscope.domain.leftovers import squeeze
from replyscope.domain.shared import Shared
from tests.sharing.exports import answered, asked, chatgpt, everything, imported, said, webui
from tests.support.examples import examples
from tests.support.importing import read_entry

WORDS = st.text("abcdefghijklmnopqrstuvwxyzäß京", min_size=3, max_size=9)
PROSE = st.lists(WORDS, min_size=2, max_size=5).map(" ".join)
"""Texts of several words: those of a person or a model, never an id."""


def texts(export: Any) -> list[str]:
    """The texts of several words in an export, those inside of JSON texts included."""
    if isinstance(export, str):
        return [export] if " " in export and "<" not in export else []
    inner = export.values() if isinstance(export, dict) else export
    return [t for one in inner for t in texts(one)] if isinstance(export, dict | list) else []


def odd_fields(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Fields that are null, empty or of a wrong type, and fields that nobody has heard of."""
    empty: st.SearchStrategy[Any] = st.sampled_from([None, "", [], {}, 0, False])
    known = st.dictionaries(st.sampled_from(names), empty | PROSE | st.just([None]), max_size=2)
    value = PROSE | st.lists(PROSE, max_size=2) | st.dictionaries(WORDS, PROSE, max_size=2) | empty
    novel = st.dictionaries(WORDS.map(lambda word: f"x_{word}"), value, max_size=2)
    return st.builds(lambda a, b: {**a, **b}, known, novel)


def part(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    plain = PROSE.map(lambda text: {"type": kind, "text": text})
    return st.builds(lambda a, b: {**b, **a}, plain, odd_fields(("annotations", "id")))


CONTENT = PROSE | st.lists(part("text"), max_size=3) | st.none()
ITEMS = st.lists(
    st.one_of(
        st.builds(lambda p: {"type": "message", "content": p}, st.lists(part("output_text"))),
        st.builds(lambda p: {"type": "reasoning", "summary": p}, st.lists(part("summary_text"))),
        st.builds(
            lambda i, q: {"type": "function_call", "call_id": i, "name": "look",
                          "arguments": json.dumps({"q": q}, ensure_ascii=False)},
            st.sampled_from("abc"), PROSE,
        ),
        st.builds(
            lambda i, t: {"type": "function_call_output", "call_id": i, "output": t},
            st.sampled_from("abc"), PROSE | st.lists(part("input_text")),
        ),
        st.builds(
            lambda code, out: {"type": "open_webui:code_interpreter", "code": code, "output": out},
            PROSE, PROSE | st.dictionaries(st.sampled_from(["stdout", "result"]), PROSE),
        ),
        st.builds(lambda name, text: {"type": f"new_{name}", "body": text}, WORDS, PROSE),
    ),
    max_size=5,
)  # fmt: skip
DETAILS = st.builds(
    lambda kind, text, before: (
        f'{before}\n<details type="{kind}" name="look"><summary>S</summary>\n{text}\n</details>'
    ),
    st.sampled_from(["reasoning", "tool_calls", "code_interpreter"]), PROSE, PROSE,
)  # fmt: skip
ERROR = st.one_of(PROSE, st.dictionaries(st.sampled_from(["content", "message", "x"]), PROSE))
SOURCE = st.builds(
    lambda name, text: {"source": {"name": name}, "document": [text], "metadata": [None]},
    PROSE, PROSE,
)  # fmt: skip
WEBUI_NAMES = ("files", "sources", "usage", "info", "error", "output", "merged", "timestamp",
               "annotations", "images", "code_executions", "tool_calls")  # fmt: skip


ODD_OF_WEBUI = odd_fields(WEBUI_NAMES)
BESIDE = st.fixed_dictionaries(
    {},
    optional={
        "output": ITEMS,
        "error": ERROR,
        "sources": st.lists(SOURCE, max_size=2),
        "merged": PROSE.map(lambda text: {"content": text}),
    },
)
REPLY = st.builds(
    lambda odd, content, beside: {**odd, "role": "assistant", "content": content, **beside},
    ODD_OF_WEBUI, CONTENT | DETAILS, BESIDE,
)  # fmt: skip
OTHER = st.builds(
    lambda odd, content, role: {**odd, "role": role, "content": content},
    ODD_OF_WEBUI, CONTENT, st.sampled_from(["user", "system", "tool", None]),
)  # fmt: skip
WEBUI = st.builds(
    lambda nodes, chat: webui(asked("a question asked"), *nodes, **chat),
    st.lists(REPLY | OTHER, max_size=4),
    odd_fields(("params", "files", "tags", "messages", "system")),
)
CHATGPT_KINDS = ("text", "multimodal_text", "code", "execution_output", "tether_quote",
                 "thoughts", "user_editable_context", "system_error", "new_kind")  # fmt: skip
CHATGPT_NAMES = ("text", "parts", "result", "content", "title", "summary", "thoughts", "language")


CHATGPT_CONTENT = st.builds(
    lambda odd, kind, parts: {**odd, "content_type": kind, "parts": parts},
    odd_fields(CHATGPT_NAMES),
    st.sampled_from(CHATGPT_KINDS),
    st.lists(PROSE | part("text") | st.none(), max_size=3),
)
CHATGPT_MESSAGE = st.none() | st.builds(
    lambda odd, role, content, metadata: {**odd, **said(role, content), "metadata": metadata},
    odd_fields(("recipient", "status", "create_time")),
    st.sampled_from(["user", "assistant", "assistant", "tool", "system"]),
    CHATGPT_CONTENT,
    odd_fields(("citations", "content_references", "attachments")),
)
CHATGPT = st.builds(
    lambda messages, fields: chatgpt(said("user", "a question asked"), *messages) | fields,
    st.lists(CHATGPT_MESSAGE, max_size=4),
    odd_fields(("create_time", "current_node", "default_model_slug")),
)


def lost(export: dict[str, Any], shared: Shared) -> list[str]:
    """The texts that neither the session nor the report has.

    Of a field that is reported by its name, the texts are not asked for.
    """
    kept = everything(shared)
    found = squeeze(kept) + squeeze(kept.encode().decode("unicode_escape", "replace"))
    named = {left.what.split("`")[1] for left in shared.left_out if "`" in left.what}
    rest = without(export, named)
    return [text for text in texts(rest) if squeeze(text) not in found]


def without(value: Any, named: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: without(one, named) for name, one in value.items() if name not in named}
    return [without(one, named) for one in value] if isinstance(value, list) else value


@examples(100)
@given(WEBUI)
def test_no_text_of_open_webui_is_lost(export: dict[str, Any]) -> None:
    assert lost(export, imported(export)) == []


@examples(100)
@given(CHATGPT)
def test_no_text_of_chatgpt_is_lost(export: dict[str, Any]) -> None:
    assert lost(export, imported(export)) == []


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
RICH: list[Callable[[], dict[str, Any]]] = [
    lambda: webui(
        asked([{"type": "text", "text": "Hi"}], files=[{"type": "file", "file": {"data": {}}}]),
        answered(
            '<details type="tool_calls" arguments="&quot;{}&quot;">x</details>So.',
            output=[
                {"type": "reasoning", "content": [{"text": "Hm"}]},
                {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "a", "output": [{"text": "x"}]},
            ],
            sources=[{"source": {"name": "a"}, "metadata": [{"source": "https://a.test"}]}],
            usage={"prompt_tokens": 1},
            error={"content": "no"},
        ),
        params={"system": "s"},
    ),
    lambda: chatgpt(
        said("user", {"content_type": "multimodal_text", "parts": [{"asset_pointer": "f"}, "x"]}),
        said("assistant", {"content_type": "thoughts", "thoughts": [{"content": "Hm"}]}),
        said("assistant", {"content_type": "code", "text": "1"}, recipient="python"),
        said("tool", {"content_type": "execution_output", "text": "1"}, "python",
             metadata={"aggregate_result": {"messages": [{"image_url": "u"}]}}),
        said("assistant", "So.", metadata={"content_references": [{"items": [{"url": "u"}]}],
                                           "finish_details": {"type": "stop"}}),
    ),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


@examples(400)
@given(st.data())
def test_a_value_of_any_type_in_any_place_never_stops_an_import(data: st.DataObject) -> None:
    export = data.draw(st.sampled_from(RICH))()
    place = data.draw(st.sampled_from([p for p in places(export) if p]))
    inner: Any = export
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(ODD)
    found = read_entry(export, 1)
    whole = place[0] in ("mapping", "chat") and len(place) < 4
    if isinstance(found, ForeignConversation):
        shared_of(found)
    else:
        assert isinstance(found, Unreadable)
        assert whole
        assert "Error" not in found.why
