"""Fixtures for every test. The network beyond loopback is blocked."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts

from replyscope.cli.guard import LOG
from replyscope.store.sqlite_store import SqliteStore
from tests.support.server import LoopbackServer
from tests.support.suite import GUARD_REACHED, SAMPLE, Suite, sampled
from tests.support.weights import find_cached_weights

_SLOW = [HealthCheck.too_slow]
# The test command is the same each time, and runs fewer examples than usual. To look further,
# with new chances: python -m pytest --hypothesis-profile explore
# Neither profile measures time: on a loaded machine any example may be slow.
settings.register_profile(
    "same", deadline=None, suppress_health_check=_SLOW, derandomize=True, max_examples=40
)
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, max_examples=5_000
)
settings.load_profile("same")

RECORDED = Path(__file__).parents[2] / "shared" / "recorded"


_SUITE = pytest.StashKey[Suite]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=1, help="what the heavy suites' chances are")
    parser.addoption("--size", type=float, default=SAMPLE, help="how large they run, 1 is whole")
    parser.addoption("--every", action="store_true", help="every case of the costly tables")
    parser.addoption("--sample", action="store_true", help="a part of the costly folders")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SUITE] = Suite(config.getoption("--seed"), config.getoption("--size"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a whole suite runs, and the spare cases of tables."""
    left_out_marks = set()
    if config.getoption("--size") < 1:
        left_out_marks.add("whole")
        if not config.getoption("--every"):
            left_out_marks.add("spare")
    kept = [item for item in items if not any(map(item.get_closest_marker, left_out_marks))]
    if config.getoption("--sample"):
        kept = sampled(kept)
    runs = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in runs])
    items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of a worker process: hand over what its part of the suite found."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["found"] = session.config.stash[_SUITE].found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of the process that started the workers: take it."""
    node.config.stash[_SUITE].found += getattr(node, "workeroutput", {}).get("found", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    suite = terminalreporter.config.stash[_SUITE]
    for sentence in suite.found:
        terminalreporter.write_line(f"· {sentence}")


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Suite:
    return request.config.stash[_SUITE]


@pytest.fixture(autouse=True)
def _only_loopback(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("installs") is None:
        socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        # Programs run as they do for a person, whatever is set for this one.
        is_set_for_us = name in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
        is_a_setting = name.startswith(("OPENAI_", "REPLYSCOPE_"))
        if is_set_for_us or is_a_setting or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # A test must never write to the keyring of whoever runs it.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("REPLYSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("REPLYSCOPE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def _guard_is_not_reached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Each program that a test runs keeps its data in the test's folder, and its faults."""
    yield
    if request.node.get_closest_marker("breaks") is None:
        for log in tmp_path.rglob(LOG):
            pytest.fail(f"{GUARD_REACHED}: {log.read_text('utf-8', 'replace')}")


class TickingClock:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._start = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._start + timedelta(milliseconds=next(self._ticks))

    def monotonic_ms(self) -> float:
        return float(next(self._ticks))


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "sessions.db", "writer-a")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture(scope="session")
def cached_weights() -> Path:
    return find_cached_weights()
