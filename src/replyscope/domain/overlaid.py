"""A read-only mapping of exchanges with newer versions, without copying or loading."""

from collections.abc import Iterator, Mapping

from replyscope.domain.exchange import Exchange


class Overlaid(Mapping[str, Exchange]):
    """Looks an exchange up in `newer` first and then in `base`, like ChainMap.

    Exchanges of `base` that are stored lazily are not loaded.
    """

    def __init__(self, newer: Mapping[str, Exchange], base: Mapping[str, Exchange]) -> None:
        self._newer = newer
        self._base = base

    def __getitem__(self, exchange_id: str) -> Exchange:
        newer = self._newer.get(exchange_id)
        return self._base[exchange_id] if newer is None else newer

    def __contains__(self, exchange_id: object) -> bool:
        return exchange_id in self._newer or exchange_id in self._base

    def __iter__(self) -> Iterator[str]:
        yield from self._base
        yield from (key for key in self._newer if key not in self._base)

    def __len__(self) -> int:
        return len(self._base) + sum(key not in self._base for key in self._newer)
