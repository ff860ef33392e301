"""The price list: the one of the installed genai-prices, or a newer one that was downloaded.

It is downloaded only by `refresh_prices`, which a person asks for.
"""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import genai_prices
import httpx2
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.update_prices import DEFAULT_UPDATE_URL

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.json_text import read_json
from replyscope.domain.regular_file import read_text
from replyscope.domain.system_words import system_words
from replyscope.domain.whole_file import write_whole
from replyscope.provider.genai_prices_internals import providers_from_raw

_MOST_BYTES = 64 * 1024 * 1024
_TIMEOUT_S = 30.0
_log = logging.getLogger(__name__)


def use_downloaded(path: Path) -> None:
    """Use the list in a file, if there is one that is newer than the installed package."""
    try:
        downloaded_at = path.stat().st_mtime
        if downloaded_at < Path(genai_prices.__file__).stat().st_mtime:
            return
        snapshot = _snapshot(read_text(path))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        _log.warning("the downloaded price list is not used: %s", error)
        return
    snapshot.timestamp = datetime.fromtimestamp(downloaded_at, UTC).replace(tzinfo=None)
    set_custom_snapshot(snapshot)


def refresh_prices(path: Path, url: str | None = None) -> int:
    """Download the list and save it. Returns the number of models. Blocks.

    Raises ReplyscopeError; the file is then unchanged.
    """
    address = url or DEFAULT_UPDATE_URL
    try:
        text = _download(address)
        snapshot = _snapshot(text)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise ReplyscopeError(
            f"The price list can't be downloaded from {address} ({system_words(error)}).",
            "The installed list is still used.",
        ) from error
    except ValueError as error:
        raise ReplyscopeError(
            f"{address} is not a price list.", "The installed list is still used."
        ) from error
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ReplyscopeError(f"{path} can't be written ({system_words(error)}).") from error
    set_custom_snapshot(snapshot)
    return sum(len(provider.models) for provider in snapshot.providers)


def _download(url: str) -> str:
    read = bytearray()
    with httpx2.stream("GET", url, timeout=_TIMEOUT_S, follow_redirects=True) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            read += chunk
            if len(read) > _MOST_BYTES:
                raise ValueError("too large")
    return read.decode("utf-8")


def _snapshot(text: str) -> DataSnapshot:
    raw: Any = read_json(text)
    if not isinstance(raw, list) or not raw:
        raise ValueError("not a list of providers")
    _check_patterns(raw)
    return DataSnapshot(providers_from_raw(raw), from_auto_update=True)


def _check_patterns(raw: Any) -> None:
    """Raise ValueError for an invalid regular expression: they are compiled at each lookup."""
    rest = [raw]
    while rest:
        value = rest.pop()
        if isinstance(value, list):
            rest += value
        elif isinstance(value, dict):
            rest += value.values()
            for key in ("api_pattern", "regex"):
                _check_pattern(value.get(key))


def _check_pattern(pattern: object) -> None:
    try:
        re.compile(pattern if isinstance(pattern, str) else "")
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError("an invalid regular expression") from error
