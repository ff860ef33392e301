"""Chooses the fault of each call. The same seed and order of calls give the same faults."""

import asyncio
import random
from collections.abc import Callable, Sequence

from replyscope.domain.query import Query
from replyscope.domain.watched import WatchedRequest
from replyscope.serving.faults.rule import FaultRule

Matches = Callable[[Query, WatchedRequest], bool]


class FaultPlan:
    """The fault rules in order. The first rule that hits a call is applied.

    `matches` compares a request with the query of a rule. Each rule has dice of its own, so that
    its faults don't depend on the calls that other rules see.
    """

    def __init__(self, rules: Sequence[FaultRule], seed: int, matches: Matches) -> None:
        self._rules = rules
        self._matches = matches
        self._dice = [random.Random(f"{seed} {number}") for number in range(len(rules))]
        self._seen = [0] * len(rules)

    def choose(self, request: WatchedRequest) -> FaultRule | None:
        """The rule that hits a call; None to forward the call unchanged."""
        for number, rule in enumerate(self._rules):
            if rule.when is not None and not self._matches(rule.when, request):
                continue
            if self._hits(number, rule):
                return rule
        return None

    async def choose_in_thread(self, request: WatchedRequest) -> FaultRule | None:
        """The same, for an event loop: to compare a large request takes a while."""
        return await asyncio.to_thread(self.choose, request)

    def _hits(self, number: int, rule: FaultRule) -> bool:
        self._seen[number] += 1
        count = self._seen[number]
        is_lucky = self._dice[number].random() < rule.p
        is_early = rule.first is None or count <= rule.first
        is_due = rule.every is None or count % rule.every == 0
        return is_lucky and is_early and is_due
