"""Parses the names of days in a query."""

import re
from datetime import datetime, timedelta

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_AGO = re.compile(r"(\d{1,4})([dw])")


def day_range(value: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The start of a named day, month or year, and the start of the next one.

    Names are dates, `today`, `yesterday`, and `7d` or `2w` for days and weeks ago. Both times
    are in the time zone of `now`. None for any other text.
    """
    try:
        return _range(value, now.replace(hour=0, minute=0, second=0, microsecond=0))
    except (ValueError, OverflowError):  # an invalid day, or the last one
        return None


def _range(value: str, midnight: datetime) -> tuple[datetime, datetime] | None:
    day = timedelta(days=1)
    if value in ("today", "yesterday"):
        start = midnight - day * (value == "yesterday")
        return start, start + day
    if match := _AGO.fullmatch(value):
        start = midnight - day * int(match[1]) * (7 if match[2] == "w" else 1)
        return start, start + day
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, date = match[1], match[2], match[3]
    start = midnight.replace(year=int(year), month=int(month or 1), day=int(date or 1))
    if date:
        return start, start + day
    months = int(month) if month else 12
    return start, start.replace(year=int(year) + months // 12, month=months % 12 + 1)
