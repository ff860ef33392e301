"""The merging rules and the clock, as properties."""

from hypothesis import given
from hypothesis import strategies as st

from replyscope.domain.hub import Stamp
from replyscope.domain.hub_merge import (
    HEAD,
    UPDATED,
    StampedField,
    changed_settings,
    fields_of_settings,
    settings_of_fields,
)
from replyscope.domain.hybrid_clock import MOST_AHEAD_MS, after, observe, tick
from tests.hub.replica import Item, Replica, merge_replicas

SESSIONS = ("s1", "s2", "s3")
STAMPS = st.builds(Stamp, st.integers(0, 5), st.integers(0, 2), st.sampled_from("abc"))


def field_of(session: str, name: str, stamp: Stamp) -> StampedField:
    """A stamp belongs to one change, so it decides the value."""
    value = stamp.at_ms if name == UPDATED else f"{session} {name} {stamp}"
    return StampedField(value, stamp)


@st.composite
def replicas(draw: st.DrawFn) -> Replica:
    sessions = {
        session: {
            name: field_of(session, name, draw(STAMPS))
            for name in draw(st.sets(st.sampled_from(("title", "tag:x", HEAD, UPDATED))))
        }
        for session in draw(st.sets(st.sampled_from(SESSIONS)))
    }
    items = {}
    for number in draw(st.sets(st.integers(0, 6))):
        stamp = draw(STAMPS)
        items[f"m{number}"] = Item(
            SESSIONS[number % 3], f"m{number - 3}" if number > 2 else None, str(stamp), stamp
        )
    purged = draw(st.frozensets(st.sampled_from(SESSIONS), max_size=1))
    return merge_replicas(Replica(sessions, items, purged), Replica())


@given(replicas(), replicas())
def test_merging_is_commutative(a: Replica, b: Replica) -> None:
    assert merge_replicas(a, b) == merge_replicas(b, a)


@given(replicas(), replicas(), replicas())
def test_merging_is_associative(a: Replica, b: Replica, c: Replica) -> None:
    assert merge_replicas(merge_replicas(a, b), c) == merge_replicas(a, merge_replicas(b, c))


@given(replicas(), replicas())
def test_merging_is_idempotent(a: Replica, b: Replica) -> None:
    merged = merge_replicas(a, b)
    assert merge_replicas(merged, b) == merged == merge_replicas(merged, merged)


@given(replicas(), replicas())
def test_a_purge_absorbs_everything(a: Replica, b: Replica) -> None:
    merged = merge_replicas(a, b)
    assert merged.purged == a.purged | b.purged
    assert merged.purged.isdisjoint(merged.sessions)
    assert merged.purged.isdisjoint(one.session_id for one in merged.items.values())


@given(replicas(), replicas())
def test_nothing_is_lost_but_what_was_purged(a: Replica, b: Replica) -> None:
    merged = merge_replicas(a, b)
    kept = {
        key
        for one in (a, b)
        for key, item in one.items.items()
        if item.session_id not in merged.purged
    }
    assert merged.items.keys() == kept


@given(replicas(), st.sampled_from(SESSIONS))
def test_a_head_is_in_the_tree(replica: Replica, session: str) -> None:
    head = replica.head_of(session)
    tree = [key for key, one in replica.items.items() if one.session_id == session]
    assert head in tree if tree else head is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**6)), max_size=30), STAMPS)
def test_the_clock_only_goes_forward(steps: list[tuple[bool, int]], seen: Stamp) -> None:
    clock = Stamp(0, 0, "me")
    for is_local, now_ms in steps:
        before = clock
        clock = tick(clock, now_ms) if is_local else observe(clock, seen, now_ms)
        assert clock >= before
        assert clock.machine == "me"
        if is_local:
            assert clock > before


def test_a_clock_far_ahead_moves_ours_by_a_day_at_most() -> None:
    mine = Stamp(1_000, 0, "me")
    far = Stamp(10**15, 0, "other")
    assert observe(mine, far, 1_000) == mine
    near = Stamp(1_000 + MOST_AHEAD_MS, 3, "other")
    assert observe(mine, near, 1_000) == Stamp(near.at_ms, 3, "me")
    assert after(mine, far) > far


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(max_size=3),
        "tools": st.lists(st.text(max_size=3), max_size=2),
        "parameters": st.dictionaries(
            st.sampled_from(("max_tokens", "seed")), st.integers(), min_size=1
        ),
        "left_out": st.just(["m1", "m2"]),
        "pinned": st.just(["m3"]),
    },
)


@given(SETTINGS)
def test_settings_come_back_from_their_fields(settings: dict[str, object]) -> None:
    assert settings_of_fields(fields_of_settings(settings)) == settings


@given(SETTINGS, SETTINGS)
def test_changed_settings_are_the_fields_that_differ(
    old: dict[str, object], new: dict[str, object]
) -> None:
    changed = changed_settings(old, new)
    assert (changed == []) == (old == new)
    now = fields_of_settings(new)
    assert (
        settings_of_fields({**fields_of_settings(old), **{name: now.get(name) for name in changed}})
        == new
    )
