"""Calls with a growing history become one conversation, as our own requests do."""

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.asked import AskedCall
from replyscope.domain.exchange import UNSEEN, Api
from replyscope.domain.message import Message, Role, TextPart, ToolResultPart
from replyscope.domain.session import StoredSession, path_to
from replyscope.domain.watched import Client, WatchedRequest
from replyscope.provider.watched_wire import WatchedWire
from replyscope.store import watched as store_module
from tests.support.examples import examples
from tests.watching.programs import Program, Said
from tests.watching.watched import AGENT, SSE, Watched, answer, open_watched

ALL = pytest.mark.parametrize("api", list(Api))
Path_ = tuple[tuple[str, str], ...]


def words_of(stored: StoredSession, message: Message) -> tuple[str, str]:
    """The role of a message and its words."""
    if message.role is Role.ASSISTANT:
        source = message.sources[0]
        choice = stored.exchanges[source.exchange_id].choice(source.choice_index)
        return "assistant", choice.text.strip() + "".join(c.id for c in choice.tool_calls)
    texts = [p.text for p in message.parts if isinstance(p, TextPart)]
    results = [p.output for p in message.parts if isinstance(p, ToolResultPart)]
    return message.role.value, "".join([*texts, *sorted(results)])


def paths_of(stored: StoredSession) -> Counter[Path_]:
    """Every message of a session as the path of the words that lead to it."""
    messages = {message.id: message for message in stored.messages}
    return Counter(
        tuple(words_of(stored, one) for one in path_to(message.id, messages))
        for message in stored.messages
    )


@dataclass
class Model:
    """What our own sends would make: the paths of all messages."""

    paths: Counter[Path_] = field(default_factory=Counter)

    def add(self, history: list[Said], reply: Said) -> None:
        """A request with this history was answered."""
        whole = [*history, reply]
        for end in range(1, len(whole)):
            path = tuple(map(_words, whole[:end]))
            self.paths[path] = max(1, self.paths[path])
        self.paths[tuple(map(_words, whole))] += 1


def _words(said: Said) -> tuple[str, str]:
    if said.is_user:
        return "user", said.text
    if said.results:
        return "tool", "".join(sorted(output for _, output in said.results))
    return "assistant", said.text + "".join(call_id for call_id, _, _ in said.calls)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 3)),
        st.tuples(st.just("tools"), st.integers(1, 3)),
        st.tuples(st.just("silent"), st.integers(1, 2)),
        st.tuples(st.just("retry"), st.just(0)),
        st.tuples(st.just("back"), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=10,
)


async def play(api: Api, style: int, steps: list[tuple[str, int]]) -> tuple[Model, StoredSession]:
    """Run a program's steps. Returns what our own sends would make, and the session."""
    program, model = Program(api, style), Model()
    ends: list[list[Said]] = []
    asked = [Said("Begin, please.", is_user=True)]
    async with open_watched(None) as watched:
        session_ids = set()
        for number, (step, count) in enumerate([("say", 0), *steps]):
            if number:
                last = ends[-1]
                if step == "back":
                    last = ends[count % len(ends)]
                if step != "retry":
                    asked = _next(last, number)
            calls = tuple(
                (f"call_{number}_{n}", "look", {"b": n, "a": [number, "x"]})
                for n in range(count if step in ("tools", "silent") else 0)
            )
            reply = Said("" if step == "silent" else f"Reply {number}.", calls)
            made = program.reply(reply, f"resp_{number}")
            _, session_id = await watched.call(program.body(asked), made, program.path)
            session_ids.add(session_id)
            model.add(asked, reply)
            ends.append([*asked, reply])
        assert len(session_ids) == 1
        return model, await watched.session(session_ids.pop())


def _next(history: list[Said], number: int) -> list[Said]:
    """The history with the results of its calls, or else with another question."""
    calls = history[-1].calls
    if calls:
        results = tuple((call_id, f"seen {number} {call_id}") for call_id, _, _ in calls)
        return [*history, Said(results=results)]
    return [*history, Said(f"Question {number}?", is_user=True)]


@examples(60)
@given(st.sampled_from(Api), st.integers(0, 11), STEPS)
def test_growing_histories_give_the_tree_of_our_own_sends(
    api: Api, style: int, steps: list[tuple[str, int]]
) -> None:
    model, stored = asyncio.run(play(api, style, steps))
    assert paths_of(stored) == model.paths
    assert not any(UNSEEN in exchange.adaptations for exchange in stored.exchanges.values())


@ALL
async def test_a_retry_is_a_sibling(tmp_path: Path, api: Api) -> None:
    program = Program(api)
    asked = [Said("Why?", is_user=True)]
    async with open_watched(tmp_path) as watched:
        failed = b'{"error": {"message": "Slow down.", "type": "rate_limit_error"}}'
        body = program.body(asked)
        headers = (("content-type", "application/json"), ("request-id", "req_9"))
        first, one = await watched.call(body, failed, program.path, status=429, headers=headers)
        _, two = await watched.call(body, program.reply(Said("Because.")), program.path)
        stored = await watched.session(one)
    assert one == two
    assert first.failure is not None
    assert (first.failure.kind, first.request_id) == ("rate_limit", "req_9")
    assert "Slow down." in first.failure.message
    assert len({message.parent_id for message in stored.messages if message.sources}) == 1
    assert words_of(stored, stored.branch[-1]) == ("assistant", "Because.")


@ALL
async def test_the_same_question_of_another_process_is_another_session(
    tmp_path: Path, api: Api
) -> None:
    program = Program(api)
    body, reply = program.body([Said("Why?", is_user=True)]), program.reply(Said("So."))
    async with open_watched(tmp_path) as watched:
        _, one = await watched.call(body, reply, program.path)
        _, two = await watched.call(body, reply, program.path, client=replace(AGENT, pid=9))
    assert one != two


@ALL
async def test_agents_beside_each_other_are_sessions_of_their_own(tmp_path: Path, api: Api) -> None:
    asked = [Said("Look for bugs.", is_user=True)]
    async with open_watched(tmp_path) as watched:
        ids = set()
        for system in ("You are the main agent.", "You are a critic.", "Name this session."):
            program = Program(api, system=system)
            history = asked
            for number in range(3):
                reply = Said(f"{system} {number}")
                body = program.body(history)
                _, session_id = await watched.call(body, program.reply(reply), program.path)
                ids.add((system, session_id))
                history = [*history, reply, Said(f"Go on {number}", is_user=True)]
    assert len(ids) == len({session_id for _, session_id in ids}) == 3


async def test_a_run_like_an_earlier_one_stays_in_its_session(tmp_path: Path) -> None:
    """The earlier run has gone further with the same words."""
    program, other = Program(), Client("agent/1.0", 4712, "python agent.py")
    turns = [
        said for n in range(3) for said in (Said(f"Step {n}", is_user=True), Said(f"Done {n}"))
    ]
    async with open_watched(tmp_path) as watched:
        sessions = {}
        for client in (AGENT, other):
            sessions[client] = {
                (
                    await watched.call(
                        program.body(turns[:count]), program.reply(turns[count]), client=client
                    )
                )[1]
                for count in (1, 3, 5)
            }
        (first,), (second,) = sessions.values()
        assert first != second
        for session_id in (first, second):
            assert len((await watched.session(session_id)).branch) == 6


async def test_a_time_in_the_system_prompt_does_not_part_a_conversation(tmp_path: Path) -> None:
    asked, reply = [Said("Hi", is_user=True)], Said("Good evening.")
    async with open_watched(tmp_path) as watched:
        one = Program(system="Now: 2026-11-29 18:01:22.")
        _, first = await watched.call(one.body(asked), one.reply(reply))
        two = Program(system="Now: 2026-11-29 18:04:59.")
        history = [*asked, reply, Said("Bye", is_user=True)]
        _, second = await watched.call(two.body(history), two.reply(Said("Bye.")))
    assert first == second


@ALL
async def test_a_compacted_history_begins_a_session(tmp_path: Path, api: Api) -> None:
    program = Program(api)
    history = [Said("Begin", is_user=True)]
    async with open_watched(tmp_path) as watched:
        _, one = await watched.call(
            program.body(history), program.reply(Said("Begun.")), program.path
        )
        short = [Said("Summary of what was said: begun.", is_user=True)]
        _, two = await watched.call(program.body(short), program.reply(Said("On.")), program.path)
    assert one != two


@ALL
async def test_an_edited_history_is_a_branch_that_keeps_the_recorded_replies(
    tmp_path: Path, api: Api
) -> None:
    """An agent that replaces old tool results sends the later replies unchanged."""
    program = Program(api)
    history: list[Said] = [Said("Read all files, please.", is_user=True)]
    async with open_watched(tmp_path) as watched:
        for number in range(4):
            call = (f"call_{number}", "read", {"path": f"file {number}"})
            reply = Said(f"I will read the file number {number} now.", (call,))
            body = program.body(history)
            _, session_id = await watched.call(body, program.reply(reply), program.path)
            history += [reply, Said(results=((call[0], f"content {number}"),))]
        edited = list(history)
        edited[2] = Said(results=(("call_0", "[cleared]"),))
        done = program.reply(Said("All are read."))
        exchange, again = await watched.call(program.body(edited), done, program.path)
        stored = await watched.session(session_id)
    assert again == session_id
    assert [words_of(stored, m) for m in stored.branch] == [
        *map(_words, edited),
        ("assistant", "All are read."),
    ]
    assert len(stored.exchanges) == 5
    assert stored.branch[-1].sources[0].exchange_id == exchange.id


@ALL
async def test_examples_in_a_prompt_are_replies_that_were_not_recorded(
    tmp_path: Path, api: Api
) -> None:
    program = Program(api)
    shots = [Said("2 + 2?", is_user=True), Said("4"), Said("3 + 3?", is_user=True), Said("6")]
    async with open_watched(tmp_path) as watched:
        ids = []
        for question in ("4 + 4?", "5 + 5?"):
            asked = [*shots, Said(question, is_user=True)]
            body, reply = program.body(asked), program.reply(Said("A number."))
            exchange, session_id = await watched.call(body, reply, program.path)
            ids.append(session_id)
            stored = await watched.session(session_id)
            assert [words_of(stored, m) for m in stored.branch[:-1]] == list(map(_words, asked))
            unseen = [e for e in stored.exchanges.values() if UNSEEN in e.adaptations]
            assert [e.choice(0).text for e in unseen] == ["4", "6"]
            assert exchange.id in stored.exchanges
    assert ids[0] != ids[1]


async def test_several_choices_are_siblings(tmp_path: Path) -> None:
    program = Program()
    frames = b"".join(
        b'data: {"choices": [{"index": %d, "delta": {"content": "Choice %d"}, '
        b'"finish_reason": "stop"}]}\n\n' % (index, index)
        for index in (1, 0)
    )
    asked = [Said("Pick", is_user=True)]
    async with open_watched(tmp_path) as watched:
        _, one = await watched.call(program.body(asked, n=2), frames + b"data: [DONE]\n\n")
        history = [*asked, Said("Choice 1"), Said("Why?", is_user=True)]
        _, two = await watched.call(program.body(history), program.reply(Said("So.")))
        stored = await watched.session(one)
    assert one == two
    roots = [m for m in stored.messages if m.parent_id == stored.messages[0].id]
    assert sorted(words_of(stored, m)[1] for m in roots) == ["Choice 0", "Choice 1"]
    assert [words_of(stored, m)[1] for m in stored.branch] == ["Pick", "Choice 1", "Why?", "So."]


async def test_a_response_id_or_a_conversation_names_what_came_before(tmp_path: Path) -> None:
    program = Program(Api.RESPONSES)
    for named in ({"previous_response_id": "resp_0"}, {"conversation": {"id": "conv_1"}}):
        first = {} if "previous_response_id" in named else named
        async with open_watched(tmp_path / next(iter(named))) as watched:
            one, session_id = await watched.call(
                program.body([Said("a?", is_user=True)], **first),
                program.reply(Said("a!"), "resp_0"),
                "/responses",
            )
            two, again = await watched.call(
                program.body([Said("b?", is_user=True)], **named),
                program.reply(Said("b!"), "resp_1"),
                "/responses",
            )
            stored = await watched.session(session_id)
        assert again == session_id
        assert [words_of(stored, m)[1] for m in stored.branch] == ["a?", "a!", "b?", "b!"]
        assert (one.names_previous, two.names_previous) == (False, "previous_response_id" in named)


@ALL
async def test_calls_at_the_same_time_keep_their_places(tmp_path: Path, api: Api) -> None:
    program = Program(api)
    asked = [Said("Begin", is_user=True)]
    first = Said("Begun with a sentence.")
    async with open_watched(tmp_path) as watched:
        _, session_id = await watched.call(program.body(asked), program.reply(first), program.path)
        listeners = [
            watched.begin(
                program.body([*asked, first, Said(f"Part {number}", is_user=True)]), program.path
            )
            for number in range(20)
        ]
        for number, listener in reversed(list(enumerate(listeners))):
            answer(listener, program.reply(Said(f"Done {number}")))
        await watched.settle()
        stored = await watched.session(session_id)
    assert len(watched.ended) == 21
    assert {session for _, session in watched.ended} == {session_id}
    done = {words_of(stored, m)[1] for m in stored.messages if m.role is Role.ASSISTANT}
    assert done == {first.text, *(f"Done {number}" for number in range(20))}
    for path in paths_of(stored):
        if path[-1][1].startswith("Done"):
            assert path[-2][1] == f"Part {path[-1][1][5:]}"


async def test_a_conversation_taken_over_by_hand_keeps_its_branch(tmp_path: Path) -> None:
    program = Program()
    asked, reply = [Said("Begin", is_user=True)], Said("Begun with a sentence.")
    async with open_watched(tmp_path) as watched:
        _, session_id = await watched.call(program.body(asked), program.reply(reply))
        stored = await watched.session(session_id)
        mine = Message("mine", Role.USER, (TextPart("Mine"),), watched.at, stored.branch[-1].id)
        await watched.store.add_message(session_id, mine)
        history = [*asked, reply, Said("Theirs", is_user=True)]
        await watched.call(program.body(history), program.reply(Said("To them.")))
        stored = await watched.session(session_id)
    assert stored.session.head_id == "mine"
    assert len(stored.messages) == 5


async def test_a_script_that_always_says_the_same_leaves_few_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_ALIKE", 3)
    program, asked = Program(), [Said("Always", is_user=True)]
    async with open_watched(tmp_path) as watched:
        sessions = [
            (await watched.call(program.body(asked), program.reply(Said("Same")), client=client))[1]
            for client in (Client("script", pid) for pid in range(6))
        ]
        assert len(set(sessions)) == 6
        counts = await watched.store.database.read(
            lambda c: c.execute(
                "SELECT count(*) FROM place WHERE key != x'' GROUP BY key"
            ).fetchall()
        )
        history = [*asked, Said("Same"), Said("On", is_user=True)]
        _, joined = await watched.call(
            program.body(history), program.reply(Said("Gone on")), client=Client("script", 4)
        )
    assert max(counts) == (3,)
    assert joined == sessions[4]


async def test_a_deleted_session_is_not_continued(tmp_path: Path) -> None:
    program = Program()
    asked, reply = [Said("Begin", is_user=True)], Said("Begun with a sentence.")
    async with open_watched(tmp_path) as watched:
        _, one = await watched.call(program.body(asked), program.reply(reply))
        before = (await watched.session(one)).session
        await watched.store.update_session(replace(before, deleted_at=before.updated_at), before)
        history = [*asked, reply, Said("More", is_user=True)]
        _, two = await watched.call(program.body(history), program.reply(Said("More.")))
        stored = await watched.session(two)
    assert one != two
    assert [words_of(stored, m)[1] for m in stored.branch] == ["Begin", reply.text, "More", "More."]


async def test_the_client_names_no_key(tmp_path: Path) -> None:
    program = Program()
    client = Client("agent", 1, "agent --api-key sk-proj-1234567890abcdef --fast")
    body, reply = program.body([Said("Hi", is_user=True)]), program.reply(Said("Hi."))
    async with open_watched(tmp_path) as watched:
        _, session_id = await watched.call(body, reply, client=client)
        stored = await watched.session(session_id)
    assert stored.session.client == "agent · agent --api-key ••• --fast · pid 1"


async def collect_listed(watched: Watched) -> None:
    """Run calls that are no requests for a reply."""
    for method, path in (("GET", "/models"), ("POST", "/embeddings"), ("GET", "/responses/r1")):
        listener = watched.begin({}, path, method=method)
        answer(listener, b"{}" * 10)


async def test_other_calls_are_listed_and_not_saved(tmp_path: Path) -> None:
    async with open_watched(tmp_path) as watched:
        await collect_listed(watched)
        await watched.settle()
        assert await watched.store.list_sessions() == ()
    assert [(c.request.path, c.status, c.received) for c in watched.listed] == [
        ("/models", 200, 20),
        ("/embeddings", 200, 20),
        ("/responses/r1", 200, 20),
    ]
    assert not watched.ended


@ALL
async def test_a_request_may_come_before_the_end_of_the_reply_that_it_repeats(
    tmp_path: Path, api: Api
) -> None:
    """A program goes on at the last event of a stream; the relay reports the end later."""
    program = Program(api)
    history = [Said("Begin, please.", is_user=True)]
    async with open_watched(tmp_path) as watched:
        last = None
        for number in range(5):
            reply = Said(f"Reply {number}.", ((f"call_{number}", "look", {}),))
            listener = watched.begin(program.body(history), program.path)
            if last is not None:
                await asyncio.sleep(0)
                last.ended(None, 9.0)
            data = program.reply(reply)
            listener.responded(200, SSE, 1.0)
            for start in range(0, len(data), 300):
                listener.received(data[start : start + 300], 2.0)
            history += [reply, Said(results=((f"call_{number}", f"seen {number}"),))]
            last = listener
        assert last is not None
        last.ended(None, 9.0)
        await watched.settle()
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
    assert [words_of(stored, m) for m in stored.branch] == list(map(_words, history[:-1]))
    assert len(stored.exchanges) == 5


class _SlowWire(WatchedWire):
    """Reads the first request only when `is_read` is set."""

    def __init__(self) -> None:
        self.is_read = threading.Event()
        self._is_first = True

    def asked(self, request: WatchedRequest, api: Api) -> AskedCall:
        is_first, self._is_first = self._is_first, False
        if is_first:
            self.is_read.wait(30)
        return super().asked(request, api)


async def test_requests_are_placed_in_their_order(tmp_path: Path) -> None:
    program, wire = Program(), _SlowWire()
    asked, reply = [Said("Begin", is_user=True)], Said("Begun.")
    async with open_watched(tmp_path, lambda s: replace(s, wire=wire)) as watched:
        for history, said in ((asked, reply), ([*asked, reply, asked[0]], Said("Again."))):
            answer(watched.begin(program.body(history)), program.reply(said))
        wire.is_read.set()
        await watched.settle()
        (first, session_id), (_, second_id) = watched.ended
        assert session_id == second_id is not None
        stored = await watched.session(second_id)
    assert len(stored.branch) == len(stored.messages) == 4
    assert not any(UNSEEN in exchange.adaptations for exchange in stored.exchanges.values())
    assert first.choice(0).text.strip() == "Begun."


async def test_the_title_is_what_the_person_said(tmp_path: Path) -> None:
    program = Program(Api.RESPONSES)
    context = Said("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", is_user=True)
    async with open_watched(tmp_path) as watched:
        body = program.body([context, Said("Mend <b>it</b>", is_user=True)])
        _, session_id = await watched.call(body, program.reply(Said("Done")), "/responses")
        assert (await watched.session(session_id)).session.title == "Mend <b>it</b>"


async def test_a_response_of_the_own_run_is_nearer(tmp_path: Path) -> None:
    """A test server may give all of its responses the same id."""
    program = Program(Api.RESPONSES)
    sessions = []
    async with open_watched(tmp_path) as watched:
        for client in (AGENT, Client("agent/1.0", 4712, "python agent.py")):
            for named in ({}, {"previous_response_id": "resp_1"}):
                body = program.body([Said("Go", is_user=True)], **named)
                reply = program.reply(Said("Gone"))
                call = await watched.call(body, reply, "/responses", client=client)
                sessions.append(call[1])
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


async def test_a_response_may_be_named_before_its_end_is_reported(tmp_path: Path) -> None:
    program = Program(Api.RESPONSES)
    async with open_watched(tmp_path) as watched:
        first = watched.begin(program.body([Said("a?", is_user=True)]), "/responses")
        first.responded(200, SSE, 1.0)
        first.received(program.reply(Said("a!"), "resp_0"), 2.0)
        async with asyncio.timeout(20):
            while not any(  # noqa: ASYNC110 - it is not told by an event
                call.fold and call.fold.is_complete for call in watched.archive.calls
            ):
                await asyncio.sleep(0.01)
        body = program.body([Said("b?", is_user=True)], previous_response_id="resp_0")
        second = watched.begin(body, "/responses")
        await asyncio.sleep(0)
        first.ended(None, 3.0)
        answer(second, program.reply(Said("b!"), "resp_1"))
        await watched.settle()
        (summary,) = await watched.store.list_sessions()
        stored = await watched.session(summary.id)
    assert [words_of(stored, m)[1] for m in stored.branch] == ["a?", "a!", "b?", "b!"]
