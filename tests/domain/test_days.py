"""Days as a query names them: each is a range of times, or no day at all."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.days import day_range

ZONE = timezone(timedelta(hours=5, minutes=30))
NOW = datetime(2026, 11, 23, 14, 45, 6, 7, tzinfo=ZONE)
DAY = timedelta(days=1)
NOWS = st.integers(0, 2**33).map(lambda seconds: datetime.fromtimestamp(seconds, ZONE))


@pytest.mark.parametrize(
    ("named", "start", "end"),
    [
        ("today", "2026-11-23", "2026-11-24"),
        ("yesterday", "2026-11-22", "2026-11-23"),
        ("0d", "2026-11-23", "2026-11-24"),
        ("1d", "2026-11-22", "2026-11-23"),
        ("7d", "2026-11-16", "2026-11-17"),
        ("1w", "2026-11-16", "2026-11-17"),
        ("2w", "2026-11-09", "2026-11-10"),
        ("2026-11-02", "2026-11-02", "2026-11-03"),
        ("2026-2-8", "2026-02-08", "2026-02-09"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-12-31", "2026-12-31", "2027-01-01"),
        ("2026", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_name_is_a_range_in_the_zone_of_now(named: str, start: str, end: str) -> None:
    found = day_range(named, NOW)
    assert found is not None
    assert found == tuple(datetime.fromisoformat(day).replace(tzinfo=ZONE) for day in (start, end))
    assert all(time.tzinfo is ZONE for time in found)


@pytest.mark.parametrize(
    "named",
    ["", "tomorrow", "Today", "7", "d", "7m", "-7d", "7.5d", "12345d", "2026-13", "2026-00",
     "2026-02-30", "2025-02-29", "2026-11-02T10", "26-11-02", "2026-11-", "0000", " today", "x"],
)  # fmt: skip
def test_what_is_no_day_is_none(named: str) -> None:
    assert day_range(named, NOW) is None


@pytest.mark.parametrize(
    "named", ["0001", "9999", "9999-12", "9999-12-31", "0001-01-01", "9999w", "today"]
)
@pytest.mark.parametrize("now", [NOW, NOW.replace(year=2), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_day_at_the_edge_of_the_calendar_is_a_range_or_none(named: str, now: datetime) -> None:
    found = day_range(named, now)
    assert found is None or found[0] < found[1]


@given(NOWS, st.integers(0, 400))
def test_days_ago_follow_each_other_without_a_gap(now: datetime, ago: int) -> None:
    later, earlier = day_range(f"{ago}d", now), day_range(f"{ago + 1}d", now)
    assert later is not None
    assert earlier is not None
    assert earlier[1] == later[0]
    assert later[1] - later[0] == DAY


@given(NOWS)
def test_today_has_now_in_it_whatever_it_is_called(now: datetime) -> None:
    for named in ("today", "0d", "0w", f"{now:%Y-%m-%d}", f"{now:%Y-%m}", f"{now:%Y}"):
        found = day_range(named, now)
        assert found is not None
        assert found[0] <= now < found[1]


@given(st.integers(1970, 2200))
def test_a_year_is_its_months_and_a_month_is_its_days(year: int) -> None:
    whole = day_range(str(year), NOW)
    assert whole is not None
    at = whole[0]
    for month in range(1, 13):
        found = day_range(f"{year}-{month}", NOW)
        assert found is not None
        assert found[0] == at
        days = (found[1] - at).days
        last = day_range(f"{year}-{month}-{days}", NOW)
        assert last is not None
        assert last[1] == found[1]
        assert day_range(f"{year}-{month}-{days + 1}", NOW) is None
        at = found[1]
    assert at == whole[1]


@given(st.text(max_size=12))
def test_any_text_is_a_range_or_none(text: str) -> None:
    found = day_range(text, NOW)
    assert found is None or found[0] < found[1]
