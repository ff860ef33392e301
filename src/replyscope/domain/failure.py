"""An error as a value, which is stored and shown with its exchange."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is stored and shown: what happened, who said so, what to do next."""

    kind: str
    message: str
    next_step: str
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
