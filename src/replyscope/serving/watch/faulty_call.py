"""A call that a rule of `watch --fault` hits: its response is decoded, changed and encoded again.

The observer and the client get the same bytes. No other connection is affected.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import h11

from replyscope.domain.sse import Flood
from replyscope.serving.connection import BodyPart, Head, HttpConnection
from replyscope.serving.faults.body import Cut, FaultyBody, Pause, Step
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.watch.call_copy import MOST_OF_A_RESPONSE, CallCopy
from replyscope.serving.watch.decoding import BodyDecoder, UnreadableBody, encodings_in
from replyscope.serving.watch.dialing import Link
from replyscope.serving.watch.own_answer import (
    CopiedResponse,
    error_of_api,
    while_client_stays,
)
from replyscope.serving.watch.response_reader import BROKE_OFF, ResponseReader

Wait = Callable[[float], Awaitable[None]]
_FRAMING = ("transfer-encoding", "connection", "keep-alive", "trailer", "upgrade")


def decodable(head: Head) -> Head:
    """The head of a request whose response must be read: it asks for no content encoding."""
    headers = [
        (name, b"identity" if name.lower() == b"accept-encoding" else value)
        for name, value in head.raw_headers
    ]
    return replace(head, raw_headers=tuple(headers))


class FaultyCall:
    """Answers one call with a fault. `wait` is used for its pauses.

    Call `refuse` for a rule with a status, else `forward`; both return whether the client's
    connection can have another request.
    """

    def __init__(
        self, connection: HttpConnection, head: Head, copy: CallCopy, rule: FaultRule, wait: Wait
    ) -> None:
        self._connection = connection
        self._head = head
        self._copy = copy
        self._response = CopiedResponse(connection, copy)
        self._rule = rule
        self._wait = wait
        self._news: list[tuple[int, tuple[tuple[str, str], ...]] | bytes] = []
        self._decoder: BodyDecoder | None = None
        self._body: FaultyBody | None = None
        self._has_paused = False
        self.can_reuse_link = False
        """Whether the link of `forward` can have another request."""

    async def refuse(self) -> bool:
        """Answer with the status of the rule."""
        return await while_client_stays(self._connection, self._head, self._copy, self._refuse())

    async def forward(self, link: Link, sent: Sequence[BodyPart]) -> bool:
        """Send the parts of the request's body, and change the response."""
        return await while_client_stays(
            self._connection, self._head, self._copy, self._forward(link, sent)
        )

    def responded(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """See ResponseListener."""
        self._news += [(status, headers)]

    def received(self, data: bytes) -> None:
        """See ResponseListener."""
        self._news += [data]

    async def _refuse(self) -> str | None:
        status, seconds = self._rule.status or 500, self._rule.retry_after_s
        if self._rule.stall_s is not None:
            await self._wait(self._rule.stall_s)
        message = f"replyscope watch answered instead of the server: --fault {self._rule.text!r}."
        headers = [("x-replyscope-fault", self._rule.text)]
        headers += [] if seconds is None else [("retry-after", f"{seconds:g}")]
        error = error_of_api(self._head, message, "injected_fault")
        await self._response.send_json(status, error, headers)
        return None

    async def _forward(self, link: Link, sent: Sequence[BodyPart]) -> str | None:
        reader, was_reset = ResponseReader(self._head, self), False
        with suppress(ConnectionError):  # what the upstream has said is read below
            for part in sent:
                link.write(part.raw)
                await link.drain()
        while not reader.is_complete and reader.fault is None:
            try:
                raw = await link.read()
            except OSError:
                raw, was_reset = b"", True
            reader.feed(raw)
            fault = await self._pass_news()
            if fault is not None:
                return fault
        if was_reset:
            await self._connection.reset()
        if reader.fault is not None or self._body is None:
            return reader.fault or BROKE_OFF
        fault = await self._play(self._body.finish())
        if fault is None:
            if not (self._has_paused or self._body.has_changed):
                self._copy.fault_missed()
            await self._connection.end()
            self.can_reuse_link = reader.can_continue
        return fault

    async def _pass_news(self) -> str | None:
        """Answer with what was parsed. Returns the fault that ends the call."""
        news, self._news = self._news, []
        for one in news:
            if isinstance(one, tuple):
                await self._respond(*one)
                continue
            assert self._body is not None
            try:
                data = one if self._decoder is None else self._decoder.feed(one)
                fault = await self._play(self._body.feed(data))
            except (UnreadableBody, Flood) as error:
                fault = f"The response can't be changed: {error}."
            if self._decoder is not None and self._decoder.is_cut:
                fault = f"A response of over {MOST_OF_A_RESPONSE // 1024**2} MB was cut."
            if fault is not None:
                return fault
        return None

    async def _respond(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        """Send the head, after a stall that comes first."""
        if self._rule.stall_s is not None and self._rule.stall_after is None:
            await self._wait(self._rule.stall_s)
            self._has_paused = True
        found = {name.lower(): value for name, value in headers}
        encoding, is_opaque = encodings_in(headers), False
        dropped = set(_FRAMING)
        if encoding.lower() not in ("", "identity"):
            try:
                self._decoder = BodyDecoder(encoding, MOST_OF_A_RESPONSE)
                dropped |= {"content-encoding", "content-length"}
            except UnreadableBody:
                is_opaque = True
        kind = found.get("content-type", "")
        self._body = FaultyBody(self._rule, kind, is_opaque=is_opaque)
        if self._body.changes_size or "transfer-encoding" in found:
            dropped.add("content-length")
        await self._begin(status, [one for one in headers if one[0].lower() not in dropped])

    async def _begin(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self._response.begin(status, [*headers, ("x-replyscope-fault", self._rule.text)])
        await self._connection.drain()

    async def _play(self, steps: Iterable[Step]) -> str | None:
        """Take the steps. Returns the fault at a cut."""
        for step in steps:
            match step:
                case Pause(seconds=seconds):
                    await self._wait(seconds)
                    self._has_paused = True
                case Cut():
                    await self._connection.drain()
                    return f"The fault {self._rule.text!r} of watch closed the connection."
                case bytes() as data:
                    await self._response.write(data)
        return None


async def read_ahead(connection: HttpConnection, copy: CallCopy, most: int) -> list[BodyPart]:
    """The parts of a request's body, so that it can be looked at before it is forwarded.

    With more than `most` bytes the last part is not the end. Raises what `next_part` raises.
    """
    connection.ask_for_body()
    parts: list[BodyPart] = []
    size, is_end = 0, False
    while not is_end and size <= most:
        part = await connection.next_part()
        copy.add_request(part.data)
        parts.append(part)
        size, is_end = size + len(part.data), part.is_end
    return parts


LEFT = (ConnectionError, TimeoutError, h11.RemoteProtocolError)
"""The errors of a client that leaves while it sends its request."""
