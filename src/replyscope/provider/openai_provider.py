"""The provider of one endpoint: streams exchanges over the wire API of its dialect.

It reports domain events. A failure is never raised: it is in the last event of the stream, so
that the partial reply is recorded like any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from replyscope.domain.endpoint import Endpoint, ModelInfo, public_url
from replyscope.domain.errors import ProviderError
from replyscope.domain.event import (
    CitationAdded,
    Event,
    ImageReported,
    Listen,
    RequestAdapted,
    RequestSent,
    ResponseOpened,
    RetryScheduled,
    StreamEnded,
    WireFrame,
)
from replyscope.domain.exchange import Api, Citation
from replyscope.domain.failure import Failure
from replyscope.domain.finish import StreamEnd
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.mask import Mask, secrets_of
from replyscope.domain.ports import Clock
from replyscope.domain.request import ModelRequest
from replyscope.domain.route import find_route, system_environment
from replyscope.provider.adaptation import Adaptation, propose_adaptation
from replyscope.provider.chunks import read_chunks
from replyscope.provider.client import build_client, open_http, system_context
from replyscope.provider.container_files import load_cited_files
from replyscope.provider.counting import count_input
from replyscope.provider.dialect import Dialect, Translator, translate_said
from replyscope.provider.errors import ErrorTranslator
from replyscope.provider.frame_reader import FrameReader
from replyscope.provider.frames import FrameTap
from replyscope.provider.given import extra_fields, extra_headers, unsent
from replyscope.provider.history import own_fields
from replyscope.provider.models import read_models
from replyscope.provider.reply_end import EndReader
from replyscope.provider.retrying import RetryPlan, plan_retry, with_wait
from replyscope.provider.sendable import sendable
from replyscope.provider.stored import OpenAIStoredReplies

_MOST_ADAPTATIONS = 8
LONGEST_LIST_S = 15.0

Recall = Callable[[str, str], Awaitable[Mapping[str, str]]]
Remember = Callable[[str, str, str, str], Awaitable[None]]


@dataclass(slots=True)
class _Attempt:
    """One attempt at a request: its tap, the listener for its events, and its start time."""

    tap: FrameTap
    listen: Listen
    started_ms: float
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    headers: Mapping[str, str] = field(default_factory=dict)
    request: httpx2.Request | None = None

    def note(self, request: httpx2.Request) -> None:
        self.request = request
        self.sent.set()


_Again = Adaptation | RetryPlan


class _Preview(Exception):
    """Stops a request before it is sent."""


class OpenAIProvider:
    """The client of one endpoint. Implements ModelProvider."""

    def __init__(
        self,
        dialect: Dialect,
        endpoint: Endpoint,
        key: str | None,
        clock: Clock,
        recall: Recall,
        remember: Remember,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._dialect = dialect
        self._endpoint = endpoint
        self._key = key
        self._clock = clock
        self._recall = recall
        self._remember = remember
        self._unsaved: dict[str, dict[str, str]] = {}
        """Adaptations from private requests by model; kept in memory only."""
        route = find_route(endpoint, system_environment(), system_context)
        self._http = open_http(endpoint, route, transport)
        self._mask = Mask([*([key] if key else []), *secrets_of(endpoint, route.proxy)])
        self._errors = ErrorTranslator(endpoint.base_url, self._mask, route)
        self._end_reader = EndReader(dialect, self._errors, endpoint.think_tags)

    @property
    def api(self) -> Api:
        """The wire API of the endpoint."""
        return self._dialect.api

    @property
    def stored(self) -> OpenAIStoredReplies:
        """The replies stored on the server."""
        return OpenAIStoredReplies(
            self._endpoint,
            lambda: build_client(self._endpoint, self._key, self._http),
            self._errors,
            self._mask,
        )

    async def aclose(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """The models in the server's `/models`. Raises ProviderError."""
        try:
            return await self._ask_for_models()
        except Exception as error:
            failure = self._errors.translate(error)
            if failure.kind != "interrupted":
                raise ProviderError(failure) from error
        try:  # the server may have just closed a kept-alive connection: retry once
            return await self._ask_for_models()
        except Exception as error:
            raise ProviderError(self._errors.translate(error)) from error

    async def _ask_for_models(self) -> tuple[ModelInfo, ...]:
        client = build_client(self._endpoint, self._key, self._http)
        raw = await client.models.with_raw_response.list(timeout=LONGEST_LIST_S)
        return read_models(read_bounded_json(self._mask.body(raw.content)))

    async def stream(self, request: ModelRequest, listen: Listen) -> None:
        """Run one exchange. `listen` gets each event; the last one is a single `StreamEnded`."""
        known = await self._adaptations(request)
        adapted = retried = 0
        while adapted < _MOST_ADAPTATIONS:
            body = sendable(self._dialect.body(request, self._endpoint.base_url, known))
            if not adapted and not retried:
                for note in (*unsent(request, self.api), *self._left_out(request, known)):
                    listen(RequestAdapted(note))
            again = await self._attempt(request, body, known, retried, listen)
            if again is None:
                return
            if isinstance(again, RetryPlan):
                retried += 1
                listen(RetryScheduled(again.failure, again.wait_s))
                await asyncio.sleep(again.wait_s)
                continue
            adapted += 1
            known[again.name] = again.instead
            if again.is_lasting:
                await self._learn(request, again)
            listen(RequestAdapted(again.note))
        failure = Failure(
            "bad_request",
            f"{self._endpoint.name} rejected the request after {_MOST_ADAPTATIONS} adaptations.",
            "Check which parameters this server supports; the wire view has its responses.",
        )
        listen(StreamEnded(StreamEnd.FAILED, 0.0, failure))

    async def _adaptations(self, request: ModelRequest) -> dict[str, str]:
        """The replacements that the model is known to need."""
        known = dict(await self._recall(self._endpoint.public_url, request.model))
        return known | self._unsaved.get(request.model, {})

    async def preview(self, request: ModelRequest) -> RequestSent:
        """The HTTP request that `stream` would send first. Nothing is sent. Raises ProviderError
        if the request can't be built.
        """
        body = sendable(
            self._dialect.body(request, self._endpoint.base_url, await self._adaptations(request))
        )
        made: list[httpx2.Request] = []

        def stop(request: httpx2.Request) -> None:
            made.append(request)
            raise _Preview

        client = build_client(self._endpoint, self._key, self._http, on_request=stop)
        try:
            with suppress(_Preview):
                await self._dialect.open(client, body, extra_headers(request))
        except Exception as error:
            raise ProviderError(self._errors.translate(error)) from error
        return self._request_sent(made[0])

    async def count_input(self, request: ModelRequest) -> int:
        """The input tokens of a request, as the server counts them. Raises ProviderError."""
        client = build_client(self._endpoint, self._key, self._http)
        known = await self._adaptations(request)
        try:
            return await count_input(client, request, known, self._mask)
        except Exception as error:
            raise ProviderError(self._errors.of_count(error)) from error

    async def _learn(self, request: ModelRequest, found: Adaptation) -> None:
        if request.is_private:
            self._unsaved.setdefault(request.model, {})[found.name] = found.instead
            return
        await self._remember(self._endpoint.public_url, request.model, found.name, found.instead)

    def _left_out(self, request: ModelRequest, known: Mapping[str, str]) -> list[str]:
        """Notes on the parameters that are omitted because this model rejects them."""
        if "drop" not in known.values():
            return []
        whole = self._dialect.body(request, self._endpoint.base_url, {})
        written = extra_fields(request)
        objects = [(name, value) for name, value in whole.items() if isinstance(value, dict)]
        names = {*whole, *(f"{name}.{inner}" for name, value in objects for inner in value)}
        shown = {name: name for name in names - {"stream_options"}}
        shown |= {one: one.rpartition(".")[2] for one, _ in own_fields(whole.get("messages", []))}
        return [
            f"{shown[name]} was left out: this model rejects it"
            for name, instead in known.items()
            if instead == "drop" and name in shown and name.partition(".")[0] not in written
        ]

    async def _attempt(
        self,
        request: ModelRequest,
        body: dict[str, Any],
        known: Mapping[str, str],
        retried: int,
        listen: Listen,
    ) -> _Again | None:
        came = request.resumes.frames if request.resumes is not None else ()
        # The clock of a resumed reply continues from the time of its last frame.
        started_ms = self._clock.monotonic_ms() - (came[-1].at_ms if came else 0.0)
        attempt = _Attempt(
            FrameTap(self._mask, lambda: self._clock.monotonic_ms() - started_ms),
            listen,
            started_ms,
            headers=extra_headers(request),
        )
        # A task, because the request is shown before the response starts.
        opening = asyncio.create_task(self._open(body, attempt))
        seen = asyncio.create_task(attempt.sent.wait())
        try:
            await asyncio.wait({opening, seen}, return_when=asyncio.FIRST_COMPLETED)
            if attempt.request is not None:
                listen(self._request_sent(attempt.request))
            await asyncio.wait({opening})
        finally:
            seen.cancel()
            opening.cancel()
        try:
            stream = opening.result()
        except openai.APIStatusError as error:
            written = extra_fields(request)
            adaptable = {name: value for name, value in body.items() if name not in written}
            again = propose_adaptation(error, adaptable, known)
            return again or self._refused(attempt, error, retried)
        except Exception as error:  # noqa: BLE001 - every failure is reported as an event
            return self._failed(attempt, error, retried)
        async with stream:
            await self._read(stream, attempt, came)
        return None

    async def _open(self, body: dict[str, Any], attempt: _Attempt) -> openai.AsyncStream[Any]:
        client = build_client(self._endpoint, self._key, self._http, attempt.tap, attempt.note)
        return await self._dialect.open(client, body, attempt.headers)

    async def _read(
        self, stream: openai.AsyncStream[Any], attempt: _Attempt, came: Sequence[WireFrame]
    ) -> None:
        tap, listen = attempt.tap, attempt.listen
        listen(self._opened(stream.response))
        translator = self._dialect.translator(self._endpoint.think_tags)
        _tell_again(translator, came)
        cited: list[Citation] = []

        def note(event: Event) -> None:
            if type(event) is CitationAdded and event.citation.container_id is not None:
                cited.append(event.citation)
            listen(event)

        error = await read_chunks(stream, tap, translator, note, self._endpoint.timeout_s)
        failure = self._errors.translate(error) if error is not None else None
        ended = self._end_reader.of_stream(tap, translator, failure)
        for event in ended.events:
            note(event)
        ending = self._ended(attempt, ended.end, ended.failure)
        try:
            if cited and ended.failure is None:
                await self._load_files(cited, listen)
        finally:  # cancelled: the reply is complete without its files
            listen(ending)

    async def _load_files(self, cited: Sequence[Citation], listen: Listen) -> None:
        """Download the files that the reply cites from the server's containers."""
        client = build_client(self._endpoint, self._key, self._http)
        for file in await load_cited_files(client, cited, self._errors):
            listen(ImageReported(0, file))

    def _request_sent(self, request: httpx2.Request) -> RequestSent:
        return RequestSent(
            request.method,
            public_url(str(request.url)),
            self._mask.headers(request.headers.items()),
            self._mask.body(request.content),
        )

    def _opened(self, response: httpx2.Response) -> ResponseOpened:
        return ResponseOpened(
            response.status_code,
            self._mask.headers(response.headers.items()),
            self._mask.known(response.headers.get("x-request-id")),
        )

    def _refused(
        self, attempt: _Attempt, error: openai.APIStatusError, retried: int
    ) -> RetryPlan | None:
        """Report an error response: its headers and, on the last attempt, its body."""
        attempt.listen(self._opened(error.response))
        body = self._mask.text(error.response.text)
        return self._failed(attempt, error, retried, body)

    def _failed(
        self, attempt: _Attempt, error: Exception, retried: int, body: str = ""
    ) -> RetryPlan | None:
        """A plan for a retry; or None, after the failure is reported as the end."""
        failure = self._errors.translate(error)
        most, now = self._endpoint.max_retries, self._clock.now()
        failure = with_wait(failure, error, now)
        plan = plan_retry(error, failure, retried=retried, most=most, now=now)
        if plan is None:
            ended = self._ended(attempt, StreamEnd.FAILED, failure)
            if body:
                attempt.listen(WireFrame(ended.at_ms, body))
            attempt.listen(ended)
        return plan

    def _ended(self, attempt: _Attempt, end: StreamEnd, failure: Failure | None) -> StreamEnded:
        return StreamEnded(end, self._clock.monotonic_ms() - attempt.started_ms, failure)


def _tell_again(translator: Translator, came: Sequence[WireFrame]) -> None:
    """Feed the translator with the recorded frames of a response that is resumed."""
    reader = FrameReader()
    for frame in came:
        for said in reader.read(frame.text):
            translate_said(translator, said)
