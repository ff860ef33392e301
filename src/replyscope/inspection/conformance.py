"""Checks the exchange of a probe: the finish reason, the choices and the findings. Pure."""

from dataclasses import dataclass

from replyscope.domain.exchange import Exchange, ExchangeState
from replyscope.domain.finish import FinishReason
from replyscope.inspection.figures import seconds
from replyscope.inspection.findings import find_oddities


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a probe: `word` is ok, odd or failed; `notes` give the reasons."""

    word: str
    summary: str
    notes: tuple[str, ...] = ()


def judge(exchange: Exchange, *, wants: FinishReason | None, choices: int) -> Verdict:
    """Check an exchange against the expected finish reason and number of choices."""
    if exchange.failure is not None and exchange.state is ExchangeState.FAILED:
        return Verdict("failed", exchange.failure.message)
    finish = exchange.choice(0).finish_reason
    notes = list(find_oddities(exchange))
    if wants is not None and finish is not wants:
        notes.insert(0, f"finish reason {finish.value if finish else '—'} instead of {wants.value}")
    if len(exchange.choices) != choices:
        notes.insert(0, f"{len(exchange.choices)} of {choices} choices received")
    word = finish.value if finish is not None else "—"
    summary = f"{word} in {seconds(exchange.timing.duration_ms)}"
    is_odd = any(not note.startswith("non-standard fields") for note in notes)
    return Verdict("odd" if is_odd else "ok", summary, tuple(notes))
