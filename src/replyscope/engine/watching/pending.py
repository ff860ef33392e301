"""The places of calls that are not saved yet: a later call may continue them."""

from collections.abc import Iterable, Sequence

from replyscope.domain.watched_store import Place


class PendingPlaces:
    """The places that the store does not have yet, by call."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, list[Place]] = {}
        self._by_call: dict[str, tuple[Place, ...]] = {}

    def add(self, call_id: str, places: Sequence[Place]) -> None:
        """Remember the places of a call."""
        self._by_call[call_id] = tuple(places)
        for place in places:
            self._by_key.setdefault(place.key, []).insert(0, place)

    def remove(self, call_id: str) -> None:
        """Forget the places of a call: the store has them."""
        for place in self._by_call.pop(call_id, ()):
            left = self._by_key[place.key]
            left.remove(place)
            if not left:
                del self._by_key[place.key]

    def find(self, keys: Iterable[bytes]) -> dict[bytes, tuple[Place, ...]]:
        """The places with some keys, newest first."""
        return {key: tuple(self._by_key[key]) for key in keys if key in self._by_key}
