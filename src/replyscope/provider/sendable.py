"""Makes a request body that can go out as UTF-8.

A model may send half of a surrogate pair; what it said is kept as it came, but no
later request could carry it.
"""

import json
from typing import Any

from replyscope.domain.unicode_text import sound


def sendable(body: dict[str, Any]) -> dict[str, Any]:
    """The same body, or one whose lone surrogates are U+FFFD."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        cleaned: dict[str, Any] = _clean(body)
        return cleaned
    return body


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, dict):
        return {_clean(name): _clean(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
