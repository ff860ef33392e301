"""Rules: the actions to run when a reply matches a query."""

from enum import StrEnum

from replyscope.domain.query import Query
from replyscope.domain.values import dataclass


class Action(StrEnum):
    """An action of a rule."""

    CONTINUE = "continue"
    RETRY = "retry"
    FLAG = "flag"
    NOTIFY = "notify"
    STOP = "stop"
    SAVE = "save"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the person. `when` is the text of its query; it fires at most `most` times in a
    turn.

    `model` is the model for a retry, `file` the file to save to, `command` the command that gets
    the exchange's JSON on its stdin. `variables` are environment variables that the command
    gets although they contain keys.
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
        """The rule as a sentence."""
        return f"{self.when} → {self.action.value}"
