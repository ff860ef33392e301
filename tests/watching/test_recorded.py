"""Real recorded streams fold the same through the watch path as through the provider."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from replyscope.domain.event import Event, StreamEnded, WireFrame
from replyscope.domain.exchange import Api, Exchange, Timing
from replyscope.domain.fold import ExchangeFold, fold_events
from replyscope.domain.ports import Clock
from replyscope.domain.think_tags import ThinkTags
from replyscope.engine.recovery import refold
from replyscope.provider.opening import translate_frames
from replyscope.provider.watched_wire import WatchedWire
from tests.conftest import RECORDED
from tests.support.build import ask, collect, make_exchange, open_chat, without_downloads
from tests.support.server import Answer, LoopbackServer
from tests.watching.watched import JSON, SSE, request_of

STREAMS = sorted(RECORDED.rglob("*.sse"))
WHOLE = sorted(RECORDED.rglob("*.json"))
if not STREAMS:
    pytest.skip("the recorded streams are not beside this checkout", allow_module_level=True)


def api_of(data: bytes) -> Api:
    """The API of a recorded response."""
    is_response = b'"response.' in data[:4_000] or b'"object":"response"' in data[:400]
    return Api.RESPONSES if is_response else Api.CHAT


def pieces_of(data: bytes, seed: str) -> list[bytes]:
    """The data, cut at random places."""
    cuts = sorted(random.Random(seed).sample(range(len(data)), min(60, len(data))))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def watch(
    api: Api,
    pieces: list[bytes],
    headers: tuple[tuple[str, str], ...] = SSE,
    fault: str | None = None,
) -> tuple[Exchange, list[Event]]:
    """The exchange of a response as the relay reports it."""
    path = "/responses" if api is Api.RESPONSES else "/chat/completions"
    reader = WatchedWire().reply(request_of({}, path), api, ThinkTags.AUTO)
    events = [*reader.responded(200, headers, 1.0)]
    for number, piece in enumerate(pieces):
        events += reader.received(piece, 2.0 + number)
    events += reader.ended(fault, 3.0 + len(pieces))
    return fold_events(make_exchange(api=api), events), events


def content(exchange: Exchange) -> Exchange:
    """An exchange without what differs between two connections to the server, and without the
    files that it cites: only the provider path downloads them.
    """
    choices = tuple(map(without_downloads, exchange.choices))
    return replace(
        exchange, timing=Timing(), headers=(), request_id=None, failure=None, choices=choices
    )


@pytest.mark.parametrize("path", STREAMS, ids=lambda p: p.stem)
async def test_a_stream_folds_as_through_the_provider(
    server: LoopbackServer, clock: Clock, path: Path
) -> None:
    data = path.read_bytes()
    api = api_of(data)
    answer = Answer(chunks=[data])
    server.answer = lambda _request: answer
    server.routes[("POST", "/responses")] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        ours = fold_events(make_exchange(api=api), await collect(provider, ask()))
    for pieces in ([data], pieces_of(data, path.name)):
        watched, events = watch(api, pieces)
        assert content(watched) == content(ours)
        assert (watched.failure is None) == (ours.failure is None)
        frames = [event for event in events if isinstance(event, WireFrame)]
        assert "".join(frame.text for frame in frames).encode() == data
        end = events[-1]
        assert isinstance(end, StreamEnded)
        again = refold(make_exchange(api=api), frames, translate_frames, end)
        assert again.choices == watched.choices
        assert again.usage == watched.usage


@pytest.mark.parametrize("path", STREAMS, ids=lambda p: p.stem)
def test_a_stream_cut_anywhere_is_kept_as_far_as_it_came(path: Path) -> None:
    data = path.read_bytes()
    api = api_of(data)
    dice = random.Random(path.name)
    for cut in dice.sample(range(len(data)), min(6, len(data))):
        for fault in ("client", "upstream", "the relay stopped"):
            watched, events = watch(api, pieces_of(data[:cut], path.name), fault=fault)
            assert watched.state.is_terminal
            frames = [event for event in events if isinstance(event, WireFrame)]
            text = "".join(frame.text for frame in frames)
            assert data.decode().startswith(text.rstrip("\ufffd"))
            fold = ExchangeFold(make_exchange(api=api))
            for event in translate_frames(api, frames):
                fold.apply(event)
            assert fold.snapshot().choice(0).text == watched.choice(0).text


@pytest.mark.parametrize("path", WHOLE, ids=lambda p: p.stem)
async def test_a_whole_response_folds_as_through_the_provider(
    server: LoopbackServer, clock: Clock, path: Path
) -> None:
    data = path.read_bytes()
    api = api_of(data)
    answer = Answer(content_type="application/json", chunks=[data])
    server.answer = lambda _request: answer
    server.routes[("POST", "/responses")] = answer
    async with open_chat(server.base_url, clock, api=api) as provider:
        ours = fold_events(make_exchange(api=api), await collect(provider, ask()))
    watched, _ = watch(api, pieces_of(data, path.name), JSON)
    assert content(watched).choices == content(ours).choices
    assert (watched.usage, watched.state) == (ours.usage, ours.state)
