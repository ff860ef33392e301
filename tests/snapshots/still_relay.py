"""The process of the relay, with a clock that stands still at the time of the first argument."""

import sys
from datetime import datetime

from replyscope.cli.system import new_id
from replyscope.serving.watch.process.child import run_child


class StillClock:
    """A clock that stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic_ms(self) -> float:
        return 0.0


if __name__ == "__main__":
    run_child(StillClock(datetime.fromisoformat(sys.argv[1])), new_id)
