"""The search of the review screen: the query, its hints, and the rows that it finds."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textual.widgets import Input, Static

from replyscope.domain.errors import ReplyscopeError, SearchInterrupted
from replyscope.domain.matching import words_shown
from replyscope.domain.query import QueryError, toggle_term
from replyscope.domain.search import Facets, Search, Sort
from replyscope.domain.words import pattern_of
from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.folders import SHIPPED, Folder, Folders
from replyscope.ui.review.preview import SessionPreview
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.query_hint import draw_hint
from replyscope.ui.review.result_rows import Found
from replyscope.ui.review.results import Results, name_of
from replyscope.ui.review.results_head import ListSummary, ResultsHead
from replyscope.ui.working_screen import WorkingScreen

_PAGE = 50
_ALL_SESSIONS = 1_000_000
_SETTLE_S = 0.04
"""Seconds without a key before a query is searched for."""
_CHANGES_EVERY_S = 1.5
_LOOK_EVERY_MS = 2_000
"""The time between two searches while the index is updated."""
_NOTHING_FITS = "\n  No replies match.\n  [F1] lists the query fields."
_NO_REPLIES = "\n  No replies yet."
_LOADING = "\n  Loading…"
_MISTAKE = "\n  The query has a mistake."


@dataclass(frozen=True, slots=True)
class SearchWidgets:
    """The widgets that a search reads from and draws into."""

    field: QueryField
    note: Static
    folders: Folders
    results: Results
    head: ResultsHead


class Searching:
    """Searches while the query is typed.

    An invalid query changes only the note: the list, its count and its facets still show the
    results of the last valid query.
    """

    def __init__(
        self,
        screen: WorkingScreen[Any],
        desk: ReviewDesk,
        widgets: SearchWidgets,
        preview: SessionPreview,
    ) -> None:
        self.sort = Sort.RANK
        self.shows_sessions = False
        self._screen = screen
        self._desk = desk
        self._services = desk.services
        self._index = desk.services.index
        self._field, self._note = widgets.field, widgets.note
        self._folders, self._results = widgets.folders, widgets.results
        self._head = widgets.head
        self._preview = preview
        self._facets: Facets | None = None
        self._text: str | None = None
        self._has_mistake = False
        self._left = 0
        self._search: Search | None = None
        self._shown_for: tuple[str, Sort, bool] | None = None
        self._is_counted = False
        self._is_listed = False
        self._is_loading = False
        self._looked_ms = 0.0
        self._stamp: tuple[int, ...] = ()

    async def begin(self) -> None:
        """Search, update the index, and check for changes from then on."""
        self._results.empty_text = _LOADING
        self.search(settle_s=0)
        try:
            await self._desk.review.update_index(self._on_progress)
            self._stamp = await self._index.stamp()
        except ReplyscopeError as error:
            self._desk.tell(error)
        if self._looked_ms:
            self._desk.known = {}
            self.search_again()
        self._screen.set_interval(_CHANGES_EVERY_S, self._start_check)

    def _start_check(self) -> None:
        if self._screen.is_current:
            self._screen.start_work(self._check_changes, group="changes", exclusive=True)

    async def _check_changes(self) -> None:
        """Search again when this process or another one has saved something."""
        try:
            stamp = await self._index.stamp()
            if stamp == self._stamp:
                return
            await self._desk.review.update_index(self._on_progress)
            self._stamp = await self._index.stamp()
        except ReplyscopeError as error:
            self._screen.log.warning(str(error))
            return
        self._desk.known = {}
        self._preview.expire()
        self.search_again()

    def _on_progress(self, left: int) -> None:
        """Show the number of replies that are not indexed yet; search again every two seconds."""
        self._left = left
        self.draw_status()
        now_ms = self._services.clock.monotonic_ms()
        if now_ms - self._looked_ms > _LOOK_EVERY_MS:
            self._looked_ms = now_ms
            self.search_again()

    def follow_typing(self) -> None:
        """Search for the typed query."""
        self.search()

    def search(self, settle_s: float = _SETTLE_S) -> None:
        """Search for the query, and show the results from the top. Cancels a running search,
        unless the query has a mistake.
        """
        text = self._field.value
        try:
            self._desk.review.read(text)
        except QueryError as error:
            self._has_mistake = True
            self._results.empty_text = self._results.empty_text if self._is_listed else _MISTAKE
            self._show_hint(error)
            self.draw_status()
            return
        self._text, self._has_mistake = text, False
        self._show_hint(None)
        self._index.interrupt()
        self._screen.start_work(self._look, False, settle_s, group="search", exclusive=True)

    def search_again(self) -> None:
        """Repeat the search of the list. The highlight and the scroll position stay."""
        if self._text is not None:
            self._index.interrupt()
            self._screen.start_work(self._look, True, group="search", exclusive=True)

    async def _look(self, stays: bool, settle_s: float = 0) -> None:
        if settle_s:
            await asyncio.sleep(settle_s)
        text = self.query
        search = self._desk.review.read(text, self.sort, _PAGE)
        shown_for = (text, self.sort, self.shows_sessions)
        stays = stays and shown_for == self._shown_for
        self._search, self._shown_for = search, None
        self._is_counted = self._is_counted and stays
        self._preview.pattern = pattern_of(words_shown(search.query))
        try:
            has_more = await self._show(search, stays=stays)
            facets = await self._index.facets(search)
            self._is_counted = True
            self.draw_folders(facets)
            if has_more:
                await self._show_all(search)
            self._shown_for = shown_for
            if not self._desk.known:
                self._desk.known = await self._index.names()
        except SearchInterrupted:
            return  # a newer search has begun
        except ReplyscopeError as error:
            self._desk.tell(error)

    async def _show(self, search: Search, *, stays: bool) -> bool:
        """Show the first page, or all in a list that stays. Returns whether there may be more."""
        if stays:
            await self._show_all(search)
            if not self.shows_sessions:
                missing = self._results.missing(again=True)
                self._results.fill(await self._index.read_hits(search, missing))
            return False
        look = self._index.find_sessions if self.shows_sessions else self._index.find
        found = await look(search)
        self._show_first(found)
        return len(found) == _PAGE

    async def _show_all(self, search: Search) -> None:
        """Show the names of all results; in an archive of a year they take a second."""
        results = self._results
        if not self.shows_sessions:
            bound = self._facets.bound if self._facets is not None else None
            results.show_order(await self._index.find_ids(search, bound))
            return
        every = await self._index.find_sessions(self._whole(search))
        results.show_order([name_of(one) for one in every])
        results.fill(every)

    def _show_first(self, found: Sequence[Found]) -> None:
        self._is_listed = True
        self._results.empty_text = _NOTHING_FITS if self.query else _NO_REPLIES
        self._results.show_found(found)

    def _whole(self, search: Search) -> Search:
        return Search(search.query, search.now, search.sort, _ALL_SESSIONS)

    def load_missing(self) -> None:
        """Load the rows in view that are not loaded yet."""
        if not self._is_loading and not self.shows_sessions:
            self._is_loading = True
            self._screen.start_work(self._load_rows, group="rows")

    async def _load_rows(self) -> None:
        """Load the rows in view until none is missing, also after scrolling."""
        results = self._results
        try:
            while self._search is not None and (wanted := results.missing()):
                hits = await self._index.read_hits(self._search, wanted)
                results.fill(hits)
                if len(hits) < len(wanted):
                    break  # some were removed: the next search shows it
        except SearchInterrupted:
            return  # the newer search loads its own rows
        except ReplyscopeError as error:
            self._desk.tell(error)
        finally:
            self._is_loading = False

    def _show_hint(self, error: QueryError | None) -> None:
        """Show the completions of the query under it, or its error and where it is."""
        draw_hint(self._field, self._note, self.known_values, error)

    def draw_folders(self, facets: Facets | None) -> None:
        """Draw the folders, and the facets or, for None, the last ones."""
        if facets is not None:
            self._facets = facets
        own = [Folder(name, query, is_own=True) for name, query in self._services.settings.queries]
        folders = self._folders
        folders.show((*SHIPPED, *own), self._facets, self.query, self.sort)
        self.draw_status()

    def draw_status(self) -> None:
        """Draw the lines above the results."""
        results = self._results
        facets = self._facets if self._is_counted else None
        total: int | None = results.count if self._is_listed else None
        if facets is not None:
            total = facets.sessions if self.shows_sessions else facets.total
            if facets.bound is not None:
                total = max(total, results.count)  # the list may have older ones
        elif results.count == _PAGE:
            total = None  # there may be more
        listed = ListSummary(
            total,
            (results.highlighted or 0) + 1 if results.count else 0,
            facets.sessions if facets is not None else None,
            self.shows_sessions,
            self._order,
            len(results.marked),
            self._left,
            self.query if self._has_mistake else None,
            self._folders.chips,
            facets.bound if facets is not None else None,
        )
        self._head.show(listed, is_typing=self._field.has_focus)

    @property
    def query(self) -> str:
        """The query of the list: the last one without a mistake."""
        return self._text or ""

    def known_values(self, field: str) -> Iterable[str]:
        """The values of a query field in the archive; empty until they are loaded."""
        return self._desk.known.get(field, ())

    def open_folder(self, folder: Folder) -> None:
        """Search for the query of a folder, in its order."""
        self.sort = folder.sort
        self.set_query(folder.query)

    def narrow(self, number: int) -> None:
        """Narrow by the facet of that number, counted from 1."""
        terms = self._folders.terms
        if number <= len(terms):
            self.narrow_by(terms[number - 1])

    def sort_next(self) -> None:
        """Sort by the next order."""
        orders = list(Sort)
        if not self._is_ranked:  # the first two are the same
            orders.remove(Sort.RANK if self.sort is Sort.TIME else Sort.TIME)
        self.sort = orders[(orders.index(self.sort) + 1) % len(orders)]
        self.search()

    @property
    def _is_ranked(self) -> bool:
        return self._facets is not None and self._facets.is_ranked and not self.shows_sessions

    @property
    def _order(self) -> Sort:
        """The order of the list. Without words to rank by, the newest is first."""
        return Sort.TIME if self.sort is Sort.RANK and not self._is_ranked else self.sort

    def toggle_sessions(self) -> None:
        """Show sessions in place of replies, or the other way round."""
        self.shows_sessions = not self.shows_sessions
        self._results.unmark()
        self.search()

    def narrow_by(self, term: str) -> None:
        """Add a term to the query of the list, or remove it."""
        self.set_query(toggle_term(self.query, term))

    def set_query(self, text: str) -> None:
        """Search for another query, and focus the results unless the query field has the focus."""
        with self._field.prevent(Input.Changed):
            self._field.value = text
        self._field.cursor_position = len(text)
        if not self._field.has_focus:
            self._screen.set_focus(self._results)
        self.search()
