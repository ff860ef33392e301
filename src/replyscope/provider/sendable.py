"""Makes a request body encodable as UTF-8.

A model may send a lone surrogate. The recorded reply keeps it, but a request cannot.
"""

import json
from typing import Any

from replyscope.domain.unicode_text import sound


def sendable(body: dict[str, Any]) -> dict[str, Any]:
    """The body with lone surrogates replaced by U+FFFD; the same object if it has none."""
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
