"""Files that the code interpreter made: downloaded when the reply ends, from its server only."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from replyscope.domain.event import Event, ImageReported, StreamEnded
from replyscope.domain.exchange import Api, Citation, ExchangeState, ReplyImage
from replyscope.domain.finish import StreamEnd
from replyscope.domain.ports import Clock
from replyscope.provider import container_files
from replyscope.provider.container_files import MOST_FILES
from tests.support.build import ask, collect, open_chat, run
from tests.support.responses import message, response
from tests.support.server import Answer, LoopbackServer, error

CSV = b"city,price\nOslo,12\n"


def cites(*names: str, container: str = "cntr_1") -> dict[str, Any]:
    """The message of a reply that cites files."""
    item = message("Here you are.")
    item["content"][0]["annotations"] = [
        {
            "type": "container_file_citation", "container_id": container, "file_id": f"cfile_{n}",
            "filename": name, "start_index": 0, "end_index": 4,
        }
        for n, name in enumerate(names)
    ]  # fmt: skip
    return item


def serve(server: LoopbackServer, *names: str, **fields: Any) -> None:
    server.answer = lambda _request: response(items=(cites(*names, **fields),))
    for number in range(len(names)):
        server.routes["GET", f"/containers/cntr_1/files/cfile_{number}/content"] = Answer(
            content_type="application/binary", chunks=[CSV]
        )


async def files_of(server: LoopbackServer, clock: Clock) -> tuple[ReplyImage, ...]:
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        exchange = await run(provider, ask())
    assert exchange.state is ExchangeState.COMPLETED
    assert exchange.choice(0).text == "Here you are."
    return exchange.choice(0).images


async def test_cited_files_are_downloaded_before_the_end_and_named(
    server: LoopbackServer, clock: Clock
) -> None:
    serve(server, "prices.csv", "report.xlsx")
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        events = await collect(provider, ask())
    kinds = [type(event) for event in events]
    assert kinds[-3:] == [ImageReported, ImageReported, StreamEnded]
    first, second = (e.image for e in events if isinstance(e, ImageReported))
    encoded = base64.b64encode(CSV).decode()
    assert first == ReplyImage("text/csv", len(CSV), name="prices.csv", data=encoded)
    assert second.media_type.endswith("spreadsheetml.sheet")
    assert [path for path in server.paths if path.startswith("GET")] == [
        "GET /v1/containers/cntr_1/files/cfile_0/content",
        "GET /v1/containers/cntr_1/files/cfile_1/content",
    ]


async def test_a_missing_file_is_named_with_the_reason(
    server: LoopbackServer, clock: Clock
) -> None:
    serve(server, "prices.csv")
    server.routes["GET", "/containers/cntr_1/files/cfile_0/content"] = error(
        404, "Container is expired."
    )
    (file,) = await files_of(server, clock)
    assert (file.name, file.data, file.size) == ("prices.csv", "", None)
    assert "Container is expired." in file.fault


@pytest.mark.parametrize("container", ["../responses", "cntr/1", "", "..", "a" * 300])
async def test_an_id_that_is_none_is_never_requested(
    server: LoopbackServer, clock: Clock, container: str
) -> None:
    serve(server, "a.csv", container=container)
    files = await files_of(server, clock)
    assert [file.fault for file in files] == ["not loaded: the server sent an invalid id"] * len(
        files
    )
    assert not [path for path in server.paths if path.startswith("GET")]


async def test_the_number_of_files_is_bounded(server: LoopbackServer, clock: Clock) -> None:
    serve(server, *(f"{n}.csv" for n in range(MOST_FILES + 5)))
    assert len(await files_of(server, clock)) == MOST_FILES


async def test_their_bytes_are_bounded(
    server: LoopbackServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_files, "MOST_BYTES", len(CSV) + 1)
    serve(server, "a.csv", "b.csv")
    first, second = await files_of(server, clock)
    assert first.data
    assert not second.data
    assert second.fault.startswith("not kept: the files exceed")


async def test_a_slow_file_does_not_hold_the_reply(server: LoopbackServer, clock: Clock) -> None:
    from replyscope.provider.client import build_client

    gate = threading.Event()
    server.routes["GET", "/containers/c/files/f/content"] = Answer(chunks=[gate])
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        client = build_client(provider._endpoint, provider._key, provider._http)
        wanted = [Citation("container_file_citation", "a.csv", file_id="f", container_id="c")]
        load = partial(container_files.load_cited_files, client, wanted, provider._errors)
        (file,) = await load(longest_s=0.05)
        gate.set()
    assert file == replace(file, data="", fault="not loaded within 30 s")


async def test_cancelling_while_a_file_is_downloaded_keeps_the_whole_reply(
    server: LoopbackServer, clock: Clock
) -> None:
    gate, requested, loop = threading.Event(), asyncio.Event(), asyncio.get_running_loop()

    def chunks() -> Iterator[threading.Event]:
        loop.call_soon_threadsafe(requested.set)
        yield gate

    serve(server, "a.csv")
    server.routes["GET", "/containers/cntr_1/files/cfile_0/content"] = Answer(chunks=chunks())
    events: list[Event] = []
    async with open_chat(server.base_url, clock, api=Api.RESPONSES) as provider:
        running = asyncio.ensure_future(provider.stream(ask(), events.append))
        await asyncio.wait_for(requested.wait(), 10)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        gate.set()
    end = events[-1]
    assert isinstance(end, StreamEnded)
    assert end.end is StreamEnd.DONE
