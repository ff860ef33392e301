"""`replyscope stats`: what the saved replies come to."""

import argparse
import json

from replyscope.cli.parser import EXIT_OK
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import SettingsError
from replyscope.domain.printable import printable_line
from replyscope.domain.query import QueryError
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds
from replyscope.inspection.stats import Sums, stats_object, stats_of

_BAR = 20
_MOST = 14


async def run_stats(arguments: argparse.Namespace, wiring: Wiring) -> int:
    """Print the figures; the exit status."""
    try:
        search = wiring.review.read(" ".join(arguments.query))
    except QueryError as error:
        raise SettingsError(f"The query can't be read: {error}.") from error
    await wiring.review.take_in()
    stats = stats_of(await wiring.review.figures(search))
    if arguments.json:
        print(json.dumps(stats_object(stats), indent=2))
        return EXIT_OK
    total = stats.total
    print(_line(total, total.replies))
    told = f"reported {dollars(total.reported_usd)}, estimated {dollars(total.estimated_usd)}"
    print(f"cost {told}, unknown of {total.unpriced:,} replies")
    groups = (
        ("day", stats.days[-_MOST:]),
        ("model", stats.models[:_MOST]),
        ("finish", stats.finishes),
        ("tool", stats.tools[:_MOST]),
    )
    for name, rows in groups:
        if rows:
            print(f"\n{name}")
            most = max(row.replies for row in rows)
            for row in rows:
                print(_line(row, most))
    return EXIT_OK


def _line(sums: Sums, most: int) -> str:
    bar = "█" * max(1, round(sums.replies / max(1, most) * _BAR)) if sums.replies else ""
    cost = UNKNOWN if sums.cost_usd is None else dollars(sums.cost_usd)
    first = UNKNOWN if sums.ttft_p50 is None else seconds(sums.ttft_p50 * 1000)
    slow = UNKNOWN if sums.ttft_p95 is None else seconds(sums.ttft_p95 * 1000)
    return printable_line(
        f"  {sums.name[:24]:<24} {bar:<{_BAR}} {sums.replies:>7,} replies {sums.errors:>5,} errors "
        f"{count(sums.input_known):>12} in {count(sums.output_known):>11} out {cost:>10} "
        f"first token {first} (95%: {slow})"
    )
