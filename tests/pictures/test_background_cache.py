"""The cache of drawings that are made in a thread."""

from threading import Event

from replyscope.ui.pictures.background_cache import BackgroundCache


def drawn(cache: BackgroundCache[str, str], key: str) -> str | None:
    """The value of a key, after it was computed."""
    done = Event()
    if cache.find(key, key.upper, done.set) is None:
        assert done.wait(10)
    return cache.find(key, lambda: "again", done.set)


def test_a_value_is_computed_once_and_each_who_asked_is_notified() -> None:
    cache: BackgroundCache[str, str] = BackgroundCache("test", None)
    gate, first, second = Event(), Event(), Event()

    def compute() -> str:
        gate.wait(10)
        return "value"

    assert cache.find("key", compute, first.set) is None
    assert cache.find("key", lambda: "other", second.set) is None
    gate.set()
    assert first.wait(10)
    assert second.wait(10)
    assert cache.find("key", lambda: "other", first.set) == "value"


def test_the_values_that_were_not_used_for_the_longest_time_are_released() -> None:
    cache: BackgroundCache[str, str] = BackgroundCache("test", 6, len)
    for key in ("aa", "bb", "cc"):
        assert drawn(cache, key) == key.upper()
    assert drawn(cache, "aa") == "AA"
    assert drawn(cache, "dd") == "DD"
    for key in ("cc", "aa", "dd"):
        assert cache.find(key, str, str) == key.upper()
    assert cache.find("bb", lambda: "again", str) is None


def test_a_value_larger_than_the_cache_is_kept_until_the_next() -> None:
    cache: BackgroundCache[str, str] = BackgroundCache("test", 3, len)
    assert drawn(cache, "large") == "LARGE"
    assert drawn(cache, "a") == "A"
    assert cache.find("large", lambda: "again", str) is None
