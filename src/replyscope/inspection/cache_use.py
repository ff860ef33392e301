"""Whether a request was read from the server's prompt cache. Pure."""

LEAST_CACHED = 1_024
"""The tokens below which servers usually cache nothing."""
_BLOCK = 128
"""The approximate size of a block of the cache, in tokens."""


def is_cache_miss(cached: int | None, reusable: int | None) -> bool:
    """Whether fewer input tokens were cached than the request before had (`reusable`).

    None is a figure that the server did not report.
    """
    if reusable is None or reusable < LEAST_CACHED:
        return False
    return cached is None or cached + _BLOCK < reusable
