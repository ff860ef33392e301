"""A cache whose values are computed in a thread, for drawings that take long."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock, Thread
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Notify = Callable[[], object]


def _one(_: object) -> int:
    return 1


class BackgroundCache(Generic[Key, Value]):
    """Keeps the values that were used last, up to a sum of their sizes; None keeps all.

    The sum has to hold all values that one screen shows, or they are computed without end.
    """

    def __init__(self, name: str, most: int | None, size_of: Callable[[Key], int] = _one) -> None:
        self._name = name
        self._most = most
        self._size_of = size_of
        self._size = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._waiting: OrderedDict[Key, tuple[Callable[[], Value], set[Notify]]] = OrderedDict()
        self._lock = Lock()
        self._is_running = False

    def find(self, key: Key, compute: Callable[[], Value], notify: Notify) -> Value | None:
        """The value, or None until it is computed. `notify` is then called in the thread.

        `compute` must not raise.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            self._waiting.setdefault(key, (compute, set()))[1].add(notify)
            if not self._is_running:
                self._is_running = True
                # A daemon: nobody waits for a drawing when the program ends.
                Thread(target=self._compute_waiting, name=self._name, daemon=True).start()
        return None

    def _compute_waiting(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                key, (compute, _) = next(iter(self._waiting.items()))
            value = compute()
            with self._lock:
                _, notifies = self._waiting.pop(key)
                self._values[key] = value
                self._size += self._size_of(key)
                self._release()
            for notify in notifies:
                notify()

    def _release(self) -> None:
        """Release the values that were not used for the longest time, never the newest."""
        while self._most is not None and self._size > self._most and len(self._values) > 1:
            key, _ = self._values.popitem(last=False)
            self._size -= self._size_of(key)
