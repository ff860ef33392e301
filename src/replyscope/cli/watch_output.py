"""The output of `replyscope watch`: its addresses, a line for each call, and notices.

Lines are written by a thread: a reader of the output that stops reading must not stop the calls.
"""

import argparse
import json
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import TextIO

from replyscope.cli.call_lines import call_line, call_object, listed_line, listed_object
from replyscope.domain.exchange import Exchange
from replyscope.domain.matching import matches
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.query import Query
from replyscope.domain.watched import WatchedRequest
from replyscope.engine.watching.gaps import Gap
from replyscope.engine.watching.listed_call import ListedCall
from replyscope.engine.watching.request_facts import reply_facts
from replyscope.serving.watch.upstream import Upstream

_MOST_WAITING = 10_000
_CLOSE_S = 2.0


class LineWriter:
    """Writes lines to a stream in a thread. Drops lines when too many wait, or after an error."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self.dropped = 0
        """The number of lines that were not written."""
        self._thread = threading.Thread(target=self._write_all, name="lines", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue a line."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what is queued, unless the reader has stopped."""
        try:
            self._lines.put(None, timeout=_CLOSE_S)
        except queue.Full:
            return
        self._thread.join(_CLOSE_S)

    def _write_all(self) -> None:
        has_failed = self._stream is None
        while (line := self._lines.get()) is not None:
            if has_failed or self._stream is None:
                self.dropped += 1
                continue
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):  # closed by its reader, or full
                has_failed = True
                self.dropped += 1


class Output:
    """Prints a line for each call, and counts the calls that match `fail`.

    Lines are written to stdout. If a program was started, they are written to stderr, because
    stdout belongs to the program.
    """

    def __init__(self, arguments: argparse.Namespace, fail: Query | None) -> None:
        self._notices = LineWriter(sys.stderr)
        self._lines = self._notices if arguments.program else LineWriter(sys.stdout)
        self._fail = fail
        self._as_json = arguments.json
        self._gap = Gap(0, 0, "")
        self.matched = 0

    def ended(self, request: WatchedRequest, exchange: Exchange, session_id: str | None) -> None:
        """A call for a reply has ended."""
        if self._as_json:
            self._lines.write(json.dumps(call_object(request, exchange, session_id)))
        else:
            self._lines.write(call_line(request, exchange))
        now = exchange.started_at.astimezone()
        if self._fail is not None and matches(self._fail, reply_facts(request, exchange), now):
            self.matched += 1

    def listed(self, call: ListedCall) -> None:
        """Another call has ended."""
        self._lines.write(json.dumps(listed_object(call)) if self._as_json else listed_line(call))

    def gap(self, gap: Gap) -> None:
        """Something is not saved; said when it begins, and when the first call is lost."""
        begins = gap.waiting > 0 and self._gap.waiting == 0
        if begins or (gap.lost and not self._gap.lost):
            self.note(f"{_gap_text(gap)} Forwarding continues.")
        self._gap = gap

    def note(self, text: str) -> None:
        """A notice for the person, on stderr."""
        self._notices.write(f"replyscope: {printable_line(text)}")

    def say_addresses(
        self, root: str, upstreams: Sequence[Upstream], *, starts_program: bool
    ) -> None:
        """Print where calls are accepted, and how a program gets there."""
        first = upstreams[0]
        self._lines.write(f"{root}/v1 forwards to {first.name} ({first.shown_url})")
        for one in upstreams[1:]:
            path = path_of(one, upstreams)
            self._lines.write(f"{root}{path}/v1 forwards to {one.name} ({one.shown_url})")
        if starts_program:
            return
        for line in variable_lines(root, upstreams):
            self._lines.write(f"  {line}")
        self._lines.write("Ctrl+C stops it.")

    def close(self) -> None:
        """Say what is missing, and write what waits."""
        if self._gap.lost > 1 or self._gap.waiting:
            self.note(_gap_text(self._gap))
        if self._lines.dropped:
            self.note(f"{plural(self._lines.dropped, 'line')} could not be printed.")
        for writer in {self._lines, self._notices}:
            writer.close()


def _gap_text(gap: Gap) -> str:
    kinds = ((gap.waiting, "waiting"), (gap.lost, "lost"))
    counts = [f"{plural(count, 'call')} {word}" for count, word in kinds if count]
    return f"Not saved: {', '.join(counts)}. {gap.reason.rstrip('.')}."


def variable_lines(root: str, upstreams: Sequence[Upstream]) -> Iterator[str]:
    """The lines that a shell needs before a program is started in it."""
    yield f"export OPENAI_BASE_URL={root}/v1"
    for one in upstreams:
        if one.is_anthropic:
            yield f"export ANTHROPIC_BASE_URL={root}{path_of(one, upstreams)}"


def path_of(upstream: Upstream, upstreams: Sequence[Upstream]) -> str:
    """The path of an upstream at the relay, without /v1: empty for the first one."""
    return "" if upstream is upstreams[0] else f"/{upstream.segment}"
