"""Describes a model of a server's list in one line: its context window and its last day."""

from replyscope.domain.endpoint import ModelInfo
from replyscope.inspection.figures import count


def describe_model(model: ModelInfo) -> str:
    """The window, the day on which the model is shut down, and else the owner."""
    window = f"{count(model.context_window)} tokens" if model.context_window else ""
    known = [part for part in (window, shutdown_sentence(model)) if part]
    return " · ".join(known) or model.owner or ""


def shutdown_sentence(model: ModelInfo) -> str:
    """When the server shuts the model down; empty if it does not say."""
    return f"shut down on {model.shutdown_date}" if model.shutdown_date else ""
