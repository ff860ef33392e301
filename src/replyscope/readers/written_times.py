"""Reads a time that a program wrote for a person, in several languages.

A time is read only if its day, month and time zone are beyond doubt.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from replyscope.domain.field_types import YEARS

CLOCK = re.compile(
    r"(?P<before>(?:am|pm|AM|PM|오전|오후|午前|午後|上午|下午)\s*)?"
    r"(?<![\d.:])(?P<hour>\d{1,2})[:.](?P<minute>\d\d)[:.](?P<second>\d\d)(?!\d)"
    r"\s*(?P<after>[AaPp]\.?\s?[Mm]\b\.?)?"
)
"""A time with seconds. Times without them are in texts of people too."""
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[年년./-]\s*(\d{1,2})\s*[月월./-]\s*(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})\.?\s+(?:de\s+)?([^\W\d_]{3,12})\.?,?\s+(?:de\s+)?(\d{4})")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,12})\.?\s+(\d{1,2}),?\s+(\d{4})")
_OFFSET = re.compile(r"\s*(?:GMT|UTC)?\s?([+-−])(\d{1,2})(?::?(\d\d))?\b")
_ZONE = re.compile(r"[\s,]*([A-Za-zА-Яа-я]{1,5})\b")
_ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "МСК": 3, "JST": 9, "KST": 9, "BRT": -3, "EST": -5, "EDT": -4,
    "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "HST": -10, "NZST": 12,
    "NZDT": 13, "AEST": 10, "AEDT": 11,
}  # fmt: skip
"""The offsets of zones by their names, in hours. Names of several zones are not in it."""
_CHINA = ("CST", 8)
_STEMS = (
    ("jan", "ene", "janv", "gen", "sty", "янв", "oca", "leden"),
    ("feb", "fév", "fev", "févr", "lut", "фев", "şub", "únor"),
    ("mar", "mär", "mrz", "mrt", "maa", "mars", "мар", "březen"),
    ("apr", "abr", "avr", "kwi", "апр", "nis", "duben"),
    ("may", "mai", "maj", "mag", "mei", "мая", "май", "květen"),
    ("jun", "juin", "giu", "cze", "июн", "haz", "červen"),
    ("jul", "juil", "lug", "июл", "tem", "červenec"),
    ("aug", "ago", "aoû", "sie", "авг", "ağu", "srpen"),
    ("sep", "set", "sept", "wrz", "сен", "eyl", "září"),
    ("oct", "okt", "out", "ott", "paź", "окт", "eki", "říjen"),
    ("nov", "ноя", "kas"),
    ("dec", "dez", "dic", "déc", "gru", "дек", "ara", "prosinec"),
)
_MONTHS = {stem: number for number, stems in enumerate(_STEMS, start=1) for stem in stems}
_LATE = ("pm", "오후", "午後", "下午")


def written_time(text: str) -> datetime | None:
    """The time in a text such as `Apr 12, 2026, 3:34:31 PM EDT`; None if it is not certain."""
    line = " ".join(text.split())
    exact = _ISO.search(line)
    if exact is not None:
        return _checked(lambda: datetime.fromisoformat(exact[0]).astimezone(UTC))
    clock, day = CLOCK.search(line), _day(line)
    if clock is None or day is None:
        return None
    offset = _offset(line[clock.end() :], is_chinese="年" in line)
    if offset is None:
        return None
    hour = _hour(clock)
    numbers = (*day, hour, int(clock["minute"]), int(clock["second"]))
    return _checked(lambda: datetime(*numbers, tzinfo=UTC) - offset)


def _checked(make: Callable[[], datetime]) -> datetime | None:
    try:
        at = make()
    except (ValueError, OverflowError):
        return None
    return at if at.year in YEARS else None


def _hour(clock: re.Match[str]) -> int:
    """The hour of 24; noon and midnight are 12 in the other form."""
    half = (clock["before"] or clock["after"] or "").strip().lower().replace(".", "")
    half = half.replace(" ", "")
    hour = int(clock["hour"])
    return hour % 12 + (12 if half in _LATE else 0) if half else hour


def _day(line: str) -> tuple[int, int, int] | None:
    """The year, month and day."""
    if (found := _YEAR_FIRST.search(line)) is not None:
        return int(found[1]), int(found[2]), int(found[3])
    if (found := _YEAR_LAST.search(line)) is not None:
        return int(found[3]), int(found[2]), int(found[1])
    for form, day, name in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        for found in form.finditer(line):
            month = _month(found[name])
            if month is not None:
                return int(found[3]), month, int(found[day])
    return None


def _month(name: str) -> int | None:
    """The month with a name, which may be shortened or longer than its stem."""
    lowered = name.lower()
    if lowered in _MONTHS:
        return _MONTHS[lowered]
    return next((_MONTHS[lowered[:n]] for n in (4, 3) if lowered[:n] in _MONTHS), None)


def _offset(rest: str, *, is_chinese: bool) -> timedelta | None:
    """The offset of the time zone after a time; None if it is missing or ambiguous."""
    found = _OFFSET.match(rest)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return timedelta(minutes=minutes if found[1] == "+" else -minutes)
    named = _ZONE.match(rest)
    if named is None:
        return None
    name = named[1].upper()
    if is_chinese and name == _CHINA[0]:
        return timedelta(hours=_CHINA[1])
    return timedelta(hours=_ZONES[name]) if name in _ZONES else None
