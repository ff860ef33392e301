"""Draws diagrams in a thread, because one can take seconds; until then their source is shown."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, Thread

from replyscope.inspection.markup.diagram import Rows, diagram_variants, fitting_rows

MOST_KEPT = 64
_Key = tuple[str, bool]


class BackgroundDiagrams:
    """A cache of drawn diagrams, `most_kept` or all. `notify` is called in the thread after
    each drawing.
    """

    def __init__(self, notify: Callable[[], object], most_kept: int | None = MOST_KEPT) -> None:
        self._notify = notify
        self._most_kept = most_kept
        self._drawn: OrderedDict[_Key, tuple[Rows, ...]] = OrderedDict()
        self._waiting: OrderedDict[_Key, None] = OrderedDict()
        self._lock = Lock()
        self._is_running = False

    def rows(self, source: str, width: int, ascii_only: bool) -> list[str] | None:
        """The rows of a diagram, or None if it cannot be drawn in the width, or not yet."""
        key = (source, ascii_only)
        with self._lock:
            variants = self._drawn.get(key)
            if variants is not None:
                return fitting_rows(variants, width)
            self._waiting[key] = None
            if not self._is_running:
                self._is_running = True
                # A daemon: nobody waits for a drawing when the program ends.
                Thread(target=self._draw_waiting, name="diagrams", daemon=True).start()
        return None

    def _draw_waiting(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                key = next(iter(self._waiting))
            variants = diagram_variants(*key)
            with self._lock:
                del self._waiting[key]
                self._drawn[key] = variants
                if self._most_kept is not None and len(self._drawn) > self._most_kept:
                    self._drawn.popitem(last=False)
            if variants:
                self._notify()
