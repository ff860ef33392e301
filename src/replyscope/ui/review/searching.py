"""Asks what the query says as it is typed, and brings the rows that come into view."""

import asyncio
from collections.abc import Iterable
from textwrap import wrap

from textual import on
from textual.content import Content
from textual.widgets import Input, Static

from replyscope.domain.errors import ReplyscopeError, SearchInterrupted
from replyscope.domain.matching import words_shown
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError, toggle_term
from replyscope.domain.search import Facets, Search, Sort
from replyscope.domain.words import pattern_of
from replyscope.ui.review.folders import SHIPPED, Folder, Folders
from replyscope.ui.review.query_completion import complete
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.result_rows import cut
from replyscope.ui.review.results import Results, name_of
from replyscope.ui.review.sessions import ReviewActions

_PAGE = 50
_ALL_SESSIONS = 1_000_000
_SETTLE_S = 0.04
"""A query is asked for when no key came for so long."""
_MOST_NOTE_LINES = 3
_CHANGES_EVERY_S = 1.5
_LOOK_EVERY_MS = 2_000
"""So often while the index grows."""
_NOTHING_FITS = "\n  Nothing fits. F1 says how to ask."


class ReviewSearch(ReviewActions):
    """The last good result stays while a query can't be read."""

    _search: Search | None = None
    _shown_for: tuple[str, Sort, bool] | None = None
    _is_bringing = False
    _looked_ms = 0.0
    _stamp: tuple[int, ...] = ()

    @property
    def field(self) -> QueryField:
        """Where the query is written."""
        return self.query_one(QueryField)

    async def begin(self) -> None:
        """Look, and bring the index up to date."""
        self.look_anew(settle_s=0)
        try:
            await self.review.update_index(self._on_progress)
            self._stamp = await self.services.index.stamp()
        except ReplyscopeError as error:
            self.tell(error)
        if self._looked_ms:
            self._known = {}
            self.look_again()
        self.set_interval(_CHANGES_EVERY_S, self._start_looking_for_changes)

    def _start_looking_for_changes(self) -> None:
        if self.is_current:
            self.start_work(self._look_for_changes, group="changes", exclusive=True)

    async def _look_for_changes(self) -> None:
        """A reply ended, or another window did something: show what there is now."""
        try:
            stamp = await self.services.index.stamp()
            if stamp == self._stamp:
                return
            await self.review.update_index(self._on_progress)
            self._stamp = await self.services.index.stamp()
        except ReplyscopeError as error:
            self.log.warning(str(error))
            return
        self._known = {}
        self.preview.expire()
        self.look_again()

    def _on_progress(self, left: int) -> None:
        """The index grew: say so, and show now and then what there is."""
        self._left = left
        self.draw_status()
        now_ms = self.services.clock.monotonic_ms()
        if now_ms - self._looked_ms > _LOOK_EVERY_MS:
            self._looked_ms = now_ms
            self.look_again()

    @on(Input.Changed, "#query")
    def _on_typed(self) -> None:
        self._show_hint(None)
        self.look_anew()

    def look_anew(self, settle_s: float = _SETTLE_S) -> None:
        """Ask for what the query says; an answer that is on its way is not wanted."""
        self.services.index.interrupt()
        self.start_work(self._look, False, settle_s, group="search", exclusive=True)

    def look_again(self) -> None:
        """Ask the same once more: what changed is shown, the reader's place stays."""
        self.services.index.interrupt()
        self.start_work(self._look, True, group="search", exclusive=True)

    async def _look(self, stays: bool, settle_s: float = 0) -> None:
        if settle_s:
            await asyncio.sleep(settle_s)
        try:
            search = self.review.read(self.field.value, self.sort, _PAGE)
        except QueryError as error:
            self._show_hint(error)
            return
        self._show_hint(None)
        shown_for = (self.field.value, self.sort, self.shows_sessions)
        stays = stays and shown_for == self._shown_for
        self._search, self._shown_for = search, None
        self.preview.pattern = pattern_of(words_shown(search.query))
        try:
            await self._show(search, stays=stays)
            self._shown_for = shown_for
            self._draw_folders(await self.services.index.facets(search))
            if not self._known:
                self._known = await self.services.index.names()
        except SearchInterrupted:
            return  # another one is on its way
        except ReplyscopeError as error:
            self.tell(error)

    async def _show(self, search: Search, *, stays: bool) -> None:
        results = self.query_one(Results)
        results.empty_text = _NOTHING_FITS if self.field.value else "\n  Nothing is saved yet."
        if self.shows_sessions:
            found = await self.services.index.find_sessions(search) if not stays else ()
            if not stays:
                results.show_found(found)
            if stays or len(found) == _PAGE:
                every = await self.services.index.find_sessions(self._whole(search))
                results.show_order([name_of(one) for one in every])
                results.fill(every)
            return
        hits = await self.services.index.find(search) if not stays else ()
        if not stays:
            results.show_found(hits)
        if stays or len(hits) == _PAGE:
            results.show_order(await self.services.index.find_ids(search))
        if stays:
            results.fill(await self.services.index.read_hits(search, results.missing(again=True)))

    def _whole(self, search: Search) -> Search:
        return Search(search.query, search.now, search.sort, _ALL_SESSIONS)

    @on(Results.Missing)
    def _on_missing(self) -> None:
        if not self._is_bringing and not self.shows_sessions:
            self._is_bringing = True
            self.start_work(self._bring, group="rows")

    async def _bring(self) -> None:
        """Bring the rows in view, and again those that are in view by then."""
        results = self.query_one(Results)
        try:
            while self._search is not None and (wanted := results.missing()):
                hits = await self.services.index.read_hits(self._search, wanted)
                results.fill(hits)
                if len(hits) < len(wanted):
                    break  # some are gone: the next look tells
        except SearchInterrupted:
            return  # what is asked for now is brought by its own look
        except ReplyscopeError as error:
            self.tell(error)
        finally:
            self._is_bringing = False

    def _show_hint(self, error: QueryError | None) -> None:
        """Say under the query how it may go on, or what is wrong with it and where."""
        note = self.query_one("#query-note", Static)
        completion = complete(self.field.value, self.known_values)
        self.field.fault_at = None
        text, style = "", ""
        if completion is not None and self.field.cursor_at_end:
            text, style = completion.sentence, "$text-muted"
        elif error is not None:
            self.field.fault_at = error.at
            text, style = printable_line(str(error)), "$text-error"
        width = max(20, note.size.width)
        if self.field.fault_at is None:
            text = cut(text, width)  # the results stay where they are while one writes on
        lines = len(wrap(text, width))
        note.styles.height = min(_MOST_NOTE_LINES, max(1, lines))  # else no layout is needed
        note.update(Content.styled(text, style), layout=False)

    def _draw_folders(self, facets: Facets | None) -> None:
        if facets is not None:
            self._facets = facets
        own = [Folder(name, query, is_own=True) for name, query in self.services.settings.queries]
        folders = self.query_one(Folders)
        folders.show((*SHIPPED, *own), self._facets, self.field.value, self.sort)
        self.draw_status()

    @on(Results.MarksChanged)
    @on(Results.Pointed)
    def draw_status(self) -> None:
        """Draw the line under the results."""
        results, facets = self.query_one(Results), self._facets
        pieces = [f"by {self.sort.value}"]
        if facets is not None:
            replies = plural(facets.total, "reply")
            sessions = plural(facets.sessions, "session")
            at = f"{(results.highlighted or 0) + 1:,}/" if results.count else ""
            pieces.append(f"{at}{sessions}" if self.shows_sessions else f"{at}{replies}")
            pieces.append(f"{replies}" if self.shows_sessions else f"{sessions}")
        if results.marked:
            pieces.insert(0, f"{len(results.marked):,} marked")
        if self._left:
            pieces.insert(0, f"indexing, {self._left:,} left")
        status = self.query_one("#review-status", Static)
        status.update(Content(" · ".join(pieces)), layout=False)

    def known_values(self, field: str) -> Iterable[str]:
        """The values of a field that the archive has, as far as they are known here."""
        return self._known.get(field, ())

    @on(Folders.Opened)
    def _on_folder(self, event: Folders.Opened) -> None:
        self.sort = event.folder.sort
        self.set_query(event.folder.query)

    @on(Folders.Narrowed)
    def _on_narrowed(self, event: Folders.Narrowed) -> None:
        self.narrow_by(event.term)

    def narrow_by(self, term: str) -> None:
        """Add a term to the query, or take it out when it is there."""
        self.set_query(toggle_term(self.field.value, term))

    def set_query(self, text: str) -> None:
        """Ask another query."""
        with self.prevent(Input.Changed):
            self.field.value = text
        self.field.cursor_position = len(text)
        self.set_focus(self.query_one(Results))
        self.look_anew()
