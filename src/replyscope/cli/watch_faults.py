"""Builds the plan of faults from the rules of `watch --fault`."""

import argparse
import random
from collections.abc import Callable

from replyscope.domain.errors import SettingsError
from replyscope.domain.matching import matches
from replyscope.domain.query import Query
from replyscope.domain.watched import WatchedRequest
from replyscope.domain.wire_reading import WireReading
from replyscope.engine.watching.request_facts import request_facts
from replyscope.serving.faults.plan import FaultPlan

_MOST_SEED = 2**31


def plan_faults(
    arguments: argparse.Namespace, wire: WireReading, note: Callable[[str], None]
) -> FaultPlan | None:
    """The plan of the options; None without a rule. Without --seed a new seed is noted."""
    if not arguments.fault:
        if arguments.seed is not None:
            raise SettingsError(
                "--seed needs --fault.", "Add a rule, such as --fault 'p=0.1 cut=…'."
            )
        return None
    seed = arguments.seed
    if seed is None:
        seed = random.SystemRandom().randrange(_MOST_SEED)
        if any(0 < rule.p < 1 for rule in arguments.fault):
            note(f"The faults are repeated with --seed {seed}.")

    def fits(query: Query, request: WatchedRequest) -> bool:
        return matches(query, request_facts(wire, request), request.at.astimezone())

    return FaultPlan(arguments.fault, seed, fits)
