"""Applies a person's rules to replies when they end.

Each rule fires a limited number of times per turn. A firing is recorded in its exchange before
its action runs.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from replyscope.domain.exchange import Exchange
from replyscope.domain.matching import check_query, matches
from replyscope.domain.ports import RuleEffects
from replyscope.domain.query import QueryError
from replyscope.domain.rule import Action, Rule
from replyscope.inspection.facts import facts_of
from replyscope.inspection.json_view import exchange_object

_WRITING = (Action.SAVE, Action.RUN)


def usable(rules: Sequence[Rule]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules with known terms, and a sentence about each invalid rule."""
    good, faults = [], []
    for rule in rules:
        try:
            check_query(rule.query)
            good.append(rule)
        except QueryError as error:
            faults.append(f"The rule “{rule.when}” is not used: {error}.")
    return tuple(good), tuple(faults)


class RuleBook:
    """The rules of one conversation, whose source and client `source:` and `client:` match."""

    def __init__(self, rules: Callable[[], Sequence[Rule]], effects: RuleEffects) -> None:
        self._rules = rules
        self._effects = effects
        self.source = ""
        """The source of the session; empty for one of replyscope itself."""
        self.client = ""
        """The watched program."""
        self.is_private = False
        """Whether to skip rules that write to the disk or send the content elsewhere."""
        self._counts: Counter[Rule] = Counter()
        self._fired: list[tuple[Rule, Exchange]] = []

    def begin_turn(self) -> None:
        """Reset the counts of all rules for a new message of the person."""
        self._counts.clear()
        self._fired.clear()

    def judge(self, exchange: Exchange) -> Exchange:
        """Match the rules against an ended exchange. Returns it with the fired rules recorded."""
        facts = replace(facts_of(exchange), source=self.source, client=self.client)
        now = exchange.started_at.astimezone()
        firing = [
            rule
            for rule in usable(self._rules())[0]
            if self._counts[rule] < rule.most
            and not (self.is_private and rule.action in _WRITING)
            and matches(rule.query, facts, now)
        ]
        if not firing:
            return exchange
        self._counts.update(firing)
        judged = replace(exchange, firings=tuple(rule.sentence for rule in firing))
        self._fired += [(rule, judged) for rule in firing]
        return judged

    async def act(self, exchange_ids: Collection[str]) -> Rule | None:
        """Run the actions of the rules that fired for some exchanges. Returns the first rule that
        requests a reply.
        """
        fired = [one for one in self._fired if one[1].id in exchange_ids]
        self._fired = [one for one in self._fired if one not in fired]
        again: Rule | None = None
        for rule, exchange in fired:
            match rule.action:
                case Action.CONTINUE | Action.RETRY | Action.STOP:
                    again = again or rule
                case Action.NOTIFY:
                    self._effects.notify(f"{rule.when}: {exchange.model}")
                case Action.SAVE:
                    await self._effects.save(rule, exchange_object(exchange))
                case Action.RUN:
                    await self._effects.run(rule, exchange_object(exchange))
                case Action.FLAG:
                    pass  # the record in the exchange is already the flag
        return again
