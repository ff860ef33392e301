"""The failure of an exchange, as a stored value."""

from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure: the message, its source, and the next step."""

    kind: str
    message: str
    next_step: str
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
