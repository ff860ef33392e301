"""What a person has set, once read and checked. Plain values; the file is config's."""

from dataclasses import dataclass, field

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.look import Look
from replyscope.domain.rule import Rule
from replyscope.domain.tool import ToolSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """`provider` names the endpoint to start with, None when none was chosen.

    "local" is the embedded model, then `local_model` says which. `rule_faults` are
    sentences about rules that can't be used; `queries` are saved searches, as (name, query);
    `redact` regular expressions of what is taken out of exports.
    """

    endpoints: tuple[Endpoint, ...] = ()
    provider: str | None = None
    local_model: str | None = None
    look: Look = field(default_factory=Look)
    bell: bool = False
    desktop_notification: bool = False
    tools: ToolSettings = field(default_factory=ToolSettings)
    rules: tuple[Rule, ...] = ()
    rule_faults: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()
    queries: tuple[tuple[str, str], ...] = ()

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of that name."""
        return next((e for e in self.endpoints if e.name == name), None)
