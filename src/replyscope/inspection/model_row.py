"""Describes a model of a server's list in one line: context window, last day and prices."""

from replyscope.domain.endpoint import ModelInfo
from replyscope.domain.rates import Rates
from replyscope.inspection.figures import dollars


def describe_model(model: ModelInfo | None, rates: Rates | None = None) -> str:
    """The window, the day on which the model is shut down and the prices, and else the owner."""
    said = model.context_window if model is not None else None
    window = said or (rates.window if rates is not None else None)
    known = [f"{window:,} tokens" if window else ""]
    if model is not None:
        known.append(shutdown_sentence(model))
    known.append(price_text(rates))
    owner = model.owner if model is not None else None
    return " · ".join(filter(None, known)) or owner or ""


def price_text(rates: Rates | None) -> str:
    """The prices per million tokens; empty if they are not known."""
    if rates is None or (rates.input is None and rates.output is None):
        return ""
    parts = ((rates.input, "in"), (rates.output, "out"))
    said = ", ".join(f"{dollars(one)} {word}" for one, word in parts if one is not None)
    return f"{said} per M"


def shutdown_sentence(model: ModelInfo) -> str:
    """The time at which the server shuts the model down; empty if it does not say."""
    return f"shut down on {model.shutdown_date}" if model.shutdown_date else ""
