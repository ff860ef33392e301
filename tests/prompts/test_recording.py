"""The prompts of replies: recorded, found by queries, counted by version, and readable later."""

import json
from dataclasses import replace
from pathlib import Path

from replyscope.cli.prompt_versions import find_version
from replyscope.cli.wiring import wire
from replyscope.config.paths import find_paths
from replyscope.config.prompts import PromptFolder
from replyscope.domain.exchange import ExchangeState
from replyscope.domain.matching import matches
from replyscope.domain.message import Message, PromptPart, Role, TextPart
from replyscope.domain.query import parse_query
from replyscope.domain.search import Search
from replyscope.inspection.facts import facts_of
from replyscope.inspection.stats import stats_of
from replyscope.store.sqlite_store import SqliteStore
from tests.cli.run import run_command
from tests.cli.test_commands import ask
from tests.prompts.writing import prompt_of, write_prompt
from tests.store.test_search import NOW, START, add_session, found, index_of
from tests.support.build import make_exchange
from tests.support.queries import answer
from tests.support.server import LoopbackServer

ONE, TWO = "3f2a" + "0" * 60, "3f2b" + "1" * 60


async def test_replies_are_found_by_prompt_and_version(store: SqliteStore) -> None:
    for name, prompts in {
        "a": (("review", ONE),),
        "b": (("review", TWO), ("joke", ONE)),
        "c": (("reviews", ONE),),
        "d": (),
    }.items():
        await add_session(store, name, "x", replace(answer("y"), prompts=prompts))
    index = index_of(store)
    for query, names in {
        "prompt:review": {"a", "b"},
        "prompt:REVIEW": {"a", "b"},
        "prompt:review*": {"a", "b", "c"},
        "prompt:review@3f2a": {"a"},
        "prompt:review@3f2": {"a", "b"},
        f"prompt:review@{TWO}": {"b"},
        "prompt:joke": {"b"},
        "prompt:*": {"a", "b", "c"},
        "-prompt:*": {"d"},
        "prompt:review@4": set(),
    }.items():
        assert set(await found(index, query)) == names, query
        for name, one in (("a", ("review", ONE)), ("d", None)):
            exchange = make_exchange(
                state=ExchangeState.COMPLETED, prompts=(one,) if one is not None else ()
            )
            facts = facts_of(exchange)
            assert matches(parse_query(query), facts, NOW) == (name in names), query
    assert (await index.names())["prompt"] == ("joke", "review", "reviews")
    stats = stats_of(await index.figures(Search(parse_query("prompt:review"), NOW)))
    assert [(one.name, one.replies, one.term) for one in stats.prompts] == [
        ("joke@3f2a0000", 1, "prompt:joke@3f2a0000"),
        ("review@3f2a0000", 1, "prompt:review@3f2a0000"),
        ("review@3f2b1111", 1, "prompt:review@3f2b1111"),
    ]


def test_versions_are_compared_over_their_replies(server: LoopbackServer, tmp_path: Path) -> None:
    texts = ("Tell a joke.", "Tell a good joke.")
    for text in texts:
        write_prompt(tmp_path / "config", "joke", text)
        assert ask(tmp_path, server, "-t", "joke").returncode == 0
    assert ask(tmp_path, server, "-t", "joke").returncode == 0
    done = run_command(tmp_path, "stats", "prompt:joke", "--json")
    groups = json.loads(done.stdout)["prompts"]
    versions = [prompt_of(text, "joke").version[:8] for text in texts]
    counts = {one["name"]: (one["replies"], one["output_tokens"]) for one in groups}
    assert counts == {f"joke@{versions[0]}": (1, 7), f"joke@{versions[1]}": (2, 14)}
    done = run_command(tmp_path, "prompts", "compare", "joke")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["version", "replies", "errors"]
    assert [line.split()[0] for line in lines[1:3]] == [f"joke@{v}" for v in versions]
    assert "stop 2" in lines[2]
    assert "now" in lines[2]
    done = run_command(tmp_path, "prompts", "compare", "jok")
    assert done.returncode == 2
    assert "No reply was made with the prompt jok." in done.stderr


def test_the_text_of_a_version_stays_readable(server: LoopbackServer, tmp_path: Path) -> None:
    old = "Tell a joke."
    write_prompt(tmp_path / "config", "joke", old)
    assert ask(tmp_path, server, "-t", "joke").returncode == 0
    write_prompt(tmp_path / "config", "joke", "Another text.")
    version = prompt_of(old, "joke").version
    done = run_command(tmp_path, "prompts", "show", f"joke@{version[:4]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"joke@{version[:8]}\n")
    assert done.stdout.endswith(f"{old}\n")
    now = prompt_of("Another text.", "joke").version
    done = run_command(tmp_path, "prompts", "show", f"joke@{now[:6]}")
    assert done.stdout.endswith("Another text.\n")
    done = run_command(tmp_path, "prompts", "show", "joke@0000000")
    assert done.returncode == 2
    assert "There is no version 0000000 of the prompt joke" in done.stderr
    assert run_command(tmp_path, "prompts", "show", "joke@x").returncode == 2


def test_a_reply_says_what_made_it(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    done = ask(tmp_path, server, "-t", "joke", "--json")
    answer_object = json.loads(done.stdout)
    version = prompt_of("Tell a joke.", "joke").version
    assert answer_object["exchanges"][0]["prompts"] == [{"name": "joke", "version": version}]
    done = run_command(tmp_path, "sessions", "show", answer_object["session_id"])
    assert f"[prompt joke@{version[:8]}]" in done.stdout
    for form in ("html", "md", "json"):
        file = tmp_path / f"x.{form}"
        done = run_command(
            *(
                tmp_path,
                "sessions",
                "export",
                answer_object["session_id"],
                "--format",
                form,
                "-o",
                str(file),
            )
        )
        assert done.returncode == 0, done.stderr
        assert f"joke@{version[:8]}" in file.read_text() or version in file.read_text()
    again = run_command(tmp_path, "--data-dir", str(tmp_path / "other"), "sessions", "import",
                        str(tmp_path / "x.json"))  # fmt: skip
    assert again.returncode == 0, again.stderr
    done = run_command(tmp_path, "--data-dir", str(tmp_path / "other"), "prompts", "show",
                       f"joke@{version[:8]}")  # fmt: skip
    assert done.stdout.endswith("Tell a joke.\n")


def test_the_next_messages_are_not_the_prompts(server: LoopbackServer, tmp_path: Path) -> None:
    write_prompt(tmp_path / "config", "joke", "Tell a joke.")
    assert ask(tmp_path, server, "-t", "joke").returncode == 0
    done = ask(tmp_path, server, "another", "--continue", "--json")
    assert json.loads(done.stdout)["exchanges"][0]["prompts"] == []


async def test_a_version_is_found_behind_one_with_a_false_text(tmp_path: Path) -> None:
    wiring = wire(find_paths(str(tmp_path)))
    version = prompt_of("Tell a joke.", "joke").version
    texts = {"true": "Tell a joke.", **dict.fromkeys(("false", "empty"), "Something else.")}
    await wiring.store.open()
    try:
        for days, (name, text) in enumerate(texts.items()):
            used = replace(answer("y"), prompts=(("joke", version),))
            await add_session(wiring.store, name, "x", used, days)
            part = PromptPart("joke", version, text)
            await wiring.store.update_message(
                Message(f"{name}-u", Role.USER, (part, TextPart("x")), START)
            )
        library = PromptFolder(tmp_path / "none")
        found = await find_version("joke", version[:6], library, wiring)
        assert found.text == "Tell a joke."
    finally:
        await wiring.close()
