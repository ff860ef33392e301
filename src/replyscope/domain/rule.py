"""A rule says what to do when a reply turned out to be something."""

from dataclasses import dataclass
from enum import StrEnum

from replyscope.domain.query import Query


class Action(StrEnum):
    """What a rule can do."""

    CONTINUE = "continue"
    RETRY = "retry"
    FLAG = "flag"
    NOTIFY = "notify"
    STOP = "stop"
    SAVE = "save"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is the query as it was written; at most `most` times in a turn.

    `model` is whom to ask when retrying, `file` where to save, `command` what to run
    with the exchange's JSON on its stdin. `variables` of the environment go to the command
    although they hold keys.
    """

    when: str
    query: Query
    action: Action
    most: int = 1
    model: str | None = None
    file: str | None = None
    command: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The rule as it is told."""
        return f"{self.when} → {self.action.value}"
