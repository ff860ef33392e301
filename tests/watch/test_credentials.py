"""Whose key is sent, and that none is reported."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.mask import Mask, StreamMask
from replyscope.serving.watch.upstream import Access
from tests.watch.bench import answering, post, relaying, serving, talk, upstream_at
from tests.watch.test_relay import LAST

OURS = "sk-ours-0123456789"
THEIRS = "sk-theirs-9876543210"
GIVEN = (f"Authorization: Bearer {THEIRS}", f"x-api-key: {THEIRS}", f"api-key: {THEIRS}")


async def _head(url_host: str, path: str, access: Access | None) -> bytes:
    heads: list[bytes] = []
    async with serving(answering(LAST, heads=heads)) as url:
        base_url = url.replace("http://", f"http://{url_host}")
        async with relaying(upstream_at(base_url, access=access)) as stage:
            await talk(stage.port, post(b"{}", path, *GIVEN))
    return heads[0]


async def test_the_key_of_the_program_is_forwarded() -> None:
    head = await _head("", "/v1/responses", None)
    assert all(line.encode() in head for line in GIVEN)


@pytest.mark.parametrize(
    ("access", "wanted"),
    [
        (Access(OURS), f"Authorization: Bearer {OURS}"),
        (Access(OURS, is_azure=True), f"api-key: {OURS}"),
        (Access(None), "\r\n\r\n"),
        (Access(OURS, (("OpenAI-Project", "p1"),)), "OpenAI-Project: p1"),
    ],
)
async def test_our_key_replaces_that_of_the_program(access: Access, wanted: str) -> None:
    head = await _head("", "/v1/responses", access)
    assert THEIRS.encode() not in head
    assert wanted.encode() in head


async def test_a_login_in_the_base_url_is_sent() -> None:
    head = await _head("me:secret@", "/v1/responses", Access(None))
    assert b"Authorization: Basic " + base64.b64encode(b"me:secret") in head
    assert b"\r\nHost: 127.0.0.1:" in head


async def test_no_key_is_reported() -> None:
    echo = LAST.replace(b"Content-Length: 5", b"X-Echo: " + THEIRS.encode())
    echo = echo.replace(b"hello", f"you sent {THEIRS} and {OURS}".encode())
    async with serving(answering(echo)) as url:
        upstream = upstream_at(url, secrets=(OURS,))
        async with relaying(upstream) as stage:
            sent = post(f'{{"a": "{THEIRS}"}}'.encode(), f"/v1/responses?key={OURS}", *GIVEN)
            assert await talk(stage.port, sent) == echo
            (call,) = await stage.watcher.ended(1)
    seen = f"{call.request} {call.headers} {call.body!r}"
    assert OURS not in seen
    assert THEIRS not in seen
    assert call.body.decode() == "you sent ••• and •••"


@given(st.lists(st.integers(0, 200)), st.text("sk-abc1", max_size=60))
def test_a_key_that_is_split_between_two_parts_is_masked(places: list[int], text: str) -> None:
    whole = f"{text}{OURS}{text}{THEIRS}{text}".encode()
    mask = Mask([OURS, THEIRS])
    edges = [0, *sorted(min(place, len(whole)) for place in places), len(whole)]
    stream = StreamMask(mask)
    got = b"".join(stream.feed(whole[a:b]) for a, b in pairwise(edges))
    assert got + stream.finish() == mask.body(whole)


def test_only_the_beginning_of_a_key_is_held_back() -> None:
    stream = StreamMask(Mask([OURS]))
    assert stream.feed(b"data: {}\n\n") == b"data: {}\n\n"
    assert stream.feed(b"text sk-ou") == b"text "
    assert stream.feed(b"t of reach") == b"sk-out of reach"
