"""The list of calls: follows the log, and shows the calls that match the filter."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from textual.content import Content
from textual.widgets import Static

from replyscope.domain.matching import matches, read_query
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.query import Query, QueryError
from replyscope.ui.review.query_field import QueryField
from replyscope.ui.review.query_hint import draw_hint
from replyscope.ui.styles.muted import MUTED
from replyscope.ui.watch.desk import WatchDesk
from replyscope.ui.working_screen import WorkingScreen

_TURN_S = 0.008
"""The longest time that matching may block keys and drawing."""


class Calls:
    """Fills the table. A filter with a mistake changes nothing but the note."""

    def __init__(
        self, screen: WorkingScreen[Any], desk: WatchDesk, field: QueryField, note: Static
    ) -> None:
        self._screen = screen
        self._desk = desk
        self._field = field
        self._note = note
        self.known_values = desk.log.names
        """The values of a query field among the calls."""
        self._query: Query | None = None
        self._matched: dict[str, bool] = {}
        """Whether an ended call matches the filter."""
        self._shown_version = -1
        self.total = 0
        self.on_shown: Callable[[], None] = lambda: None
        """Draws what is about the table, once it shows other calls."""

    def follow_typing(self) -> None:
        """Filter by what was typed."""
        text = self._field.value
        try:
            query = read_query(text) if text.strip() else None
        except QueryError as error:
            draw_hint(self._field, self._note, self.known_values, error)
            return
        draw_hint(self._field, self._note, self.known_values, None)
        self._query, self._matched = query, {}
        self._start()

    def look(self) -> None:
        """Show what has changed since the last look."""
        log = self._desk.log
        has_changed = log.version != self._shown_version
        if has_changed or (self._query is not None and not log.is_quiet):
            self._start()
        elif not log.is_quiet:
            self._desk.table.redraw()
            self.on_shown()

    def _start(self) -> None:
        self._shown_version = self._desk.log.version
        self._desk.start_work(self._show, group="calls", exclusive=True)

    async def _show(self) -> None:
        ids = self._desk.log.ids
        self.total = len(ids)
        shown = ids if self._query is None else await self._matching(ids, self._query)
        self._desk.table.empty = self._words(has_calls=bool(ids))
        self._desk.table.show_calls(shown)
        self.on_shown()

    async def _matching(self, ids: Sequence[str], query: Query) -> list[str]:
        """The calls that match. Ended calls are matched once for each filter."""
        log, now = self._desk.log, self._desk.log.now().astimezone()
        running, shown = set(log.running_ids), []
        until_s = perf_counter() + _TURN_S
        for call_id in ids:
            fits = self._matched.get(call_id)
            if fits is None:
                fits = matches(query, log.facts(call_id), now)
                if call_id not in running:
                    self._matched[call_id] = fits
            if fits:
                shown.append(call_id)
            if perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = perf_counter() + _TURN_S
        return shown

    def _words(self, *, has_calls: bool) -> Content:
        """The text of the empty table."""
        address = self._desk.watching.address
        if has_calls:
            return Content.styled("\n  No call matches the filter.", MUTED)
        if address is None:
            why = printable_text(self._desk.watching.problem)
            stopped = "The watch is stopped. [s] starts it."
            return Content.assemble(f"\n  {why}\n" if why else "", (f"\n  {stopped}", MUTED))
        lines = "\n".join(f"      {line}" for line in address.variables)
        return Content.assemble(
            ("\n  Waiting for calls. Before you start a program, set in its shell:\n\n", MUTED),
            (f"{lines}\n\n", ""),
            ("  [y] copies this. Each call is forwarded unchanged, and listed here.", MUTED),
        )

    def title(self) -> Content:
        """The title of the table: where it listens, and where it forwards to."""
        address = self._desk.watching.address
        if address is None:
            return Content("Watch · stopped")
        return Content(printable_line(f"Watch · {address.shown} to {address.upstream}"))

    def subtitle(self) -> Content:
        """The counts under the table: all calls, running calls, marked calls and unsaved calls."""
        table, log = self._desk.table, self._desk.log
        parts = [plural(self.total, "call")]
        if self._query is not None:
            parts = [f"{table.count:,} of {plural(self.total, 'call')}"]
        if log.running_ids:
            parts.append(f"{len(log.running_ids)} running")
        if table.marked:
            parts.append(f"{len(table.marked)} marked")
        for count, word in ((log.gap.waiting, "waiting to be saved"), (log.gap.lost, "not saved")):
            if count:
                parts.append(f"{count:,} {word}")
        if table.count:
            held = f"held, {table.below:,} newer" if table.below else "held"
            parts.append("following" if table.follows else held)
        return Content(" · ".join(parts))
