"""Writes sessions in an export format, one session at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from replyscope.domain.errors import SessionNotFound
from replyscope.domain.event import Event, StreamEnded
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import StreamEnd
from replyscope.domain.message import Role
from replyscope.domain.plural import plural
from replyscope.domain.ports import TranslateFrames
from replyscope.domain.session import SessionSummary
from replyscope.domain.shared import SESSION_FORMAT, Form, Shared
from replyscope.domain.stores import ExportSource
from replyscope.engine.reply_images import with_kept_files
from replyscope.inspection.markup.diagram import PageDiagrams
from replyscope.inspection.sharing.frame_redaction import clean_frames
from replyscope.inspection.sharing.html import SessionPage, contents, page_end, page_start
from replyscope.inspection.sharing.jsonl import session_jsonl
from replyscope.inspection.sharing.markdown import session_markdown
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.session_json import session_to_json
from replyscope.inspection.wire import frames_text

_QUICK = 40  # exchanges; fewer are written faster than a thread starts
_TIMED = 50
"""The most sessions on one HTML page whose timelines are drawn from the frames."""


class Sharing:
    """Exports sessions of a store, read-only. `whole_only` leaves cut replies out of JSONL."""

    def __init__(
        self,
        store: ExportSource,
        translate: TranslateFrames | None = None,
        *,
        whole_only: bool = False,
    ) -> None:
        self._store = store
        self._translate = translate
        self._whole_only = whole_only

    async def export(
        self,
        session_ids: Sequence[str],
        form: Form,
        write: Callable[[str], object],
        clean: Redactor,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> int:
        """Write sessions one by one. Returns the number of characters.

        In JSON, several sessions are {"format", "sessions": […]}; one is the session itself.
        Raises StoreError, PatternTooSlow.
        """
        is_list = form is Form.JSON and len(session_ids) != 1
        begin = await self._begin(session_ids, form, clean, is_list=is_list)
        write(begin)
        written = len(begin)
        separator = ""
        diagrams = PageDiagrams()
        with_wire = form is Form.JSON or (form is Form.HTML and len(session_ids) <= _TIMED)
        async for number, shared in self._each(session_ids, with_wire=with_wire):
            if shared is not None:
                clean.enter(shared.session.title)
                if form is Form.JSONL:
                    shared = await self._with_request(shared)
                text = separator + await self._text(shared, form, clean, diagrams)
                write(text)
                written += len(text)
                separator = ",\n" if is_list else "\n" if form is Form.MARKDOWN else ""
            progress(number)
        write(_end(form, clean, is_list=is_list))
        return written

    async def _text(
        self, shared: Shared, form: Form, clean: Redactor, diagrams: PageDiagrams
    ) -> str:
        if form is Form.JSON and not clean.is_on and len(shared.exchanges) <= _QUICK:
            return self._written(shared, form, clean, diagrams)
        return await asyncio.to_thread(self._written, shared, form, clean, diagrams)

    async def _each(
        self, session_ids: Sequence[str], *, with_wire: bool
    ) -> AsyncIterator[tuple[int, Shared | None]]:
        for number, session_id in enumerate(session_ids, start=1):
            shared = None
            with suppress(SessionNotFound):  # purged by another window
                shared = await self._store.load_shared(session_id, with_wire=with_wire)
            yield number, shared

    async def _begin(
        self, session_ids: Sequence[str], form: Form, clean: Redactor, *, is_list: bool
    ) -> str:
        if is_list:
            return f'{{"format": "{SESSION_FORMAT}", "sessions": [\n'
        if form is not Form.HTML:
            return ""
        summaries: list[SessionSummary] = []
        for session_id in session_ids:
            with suppress(SessionNotFound):
                summaries.append(await self._store.summarise_session(session_id))
        for summary in summaries:
            clean.enter(summary.title)
        titles = [clean(summary.title) for summary in summaries]
        title = titles[0] if len(titles) == 1 else plural(len(titles), "session")
        return page_start(title) + contents(summaries, titles)

    async def _with_request(self, shared: Shared) -> Shared:
        """The session with the wire record of its newest reply, whose request has the tools."""
        sources = [s for m in shared.branch if m.role is Role.ASSISTANT for s in m.sources]
        if not sources:
            return shared
        record = await self._store.load_wire(sources[-1].exchange_id)
        return replace(shared, records={sources[-1].exchange_id: record})

    def _written(self, shared: Shared, form: Form, clean: Redactor, diagrams: PageDiagrams) -> str:
        match form:
            case Form.MARKDOWN:
                return session_markdown(shared, clean)
            case Form.JSONL:
                return session_jsonl(shared, clean, whole_only=self._whole_only)
            case Form.HTML:
                events = self._events(shared)
                files = with_kept_files(shared, clean)
                return SessionPage(files, clean, events, diagrams).html()
            case Form.JSON:
                return session_to_json(shared, clean if clean.is_on else None)

    def _events(self, shared: Shared) -> Mapping[str, Sequence[Event]]:
        """The events of the recorded frames, by the id of the exchange."""
        translate = self._translate
        if translate is None:
            return {}
        return {
            exchange.id: [
                *translate(exchange.api, record.frames, exchange.think_tags),
                _ended(exchange),
            ]
            for exchange in shared.exchanges.values()
            if (record := shared.records.get(exchange.id)) is not None and record.frames
        }

    async def stream_text(self, exchange_id: str, clean: Redactor) -> str:
        """The recorded frames of an exchange as text. Raises StoreError."""
        record = await self._store.load_wire(exchange_id)
        return frames_text(clean_frames(record.frames, clean))


def _ended(exchange: Exchange) -> StreamEnded:
    return StreamEnded(StreamEnd.DONE, exchange.timing.duration_ms, exchange.failure)


def _end(form: Form, clean: Redactor, *, is_list: bool) -> str:
    if form is Form.HTML:
        return page_end(clean.sentence)
    if is_list:
        return "\n]}\n"
    return "\n" if form is Form.JSON else ""


def session_ids_of(found: Iterable[tuple[str, str]]) -> list[str]:
    """The session ids of search results, each once, in their order."""
    return list(dict.fromkeys(session_id for session_id, _ in found))
