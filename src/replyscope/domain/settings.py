"""The validated settings, as plain values. The `config` package reads the file."""

from dataclasses import dataclass, field

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.look import Look
from replyscope.domain.rule import Rule
from replyscope.domain.tool import ToolSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the person. `provider` names the default endpoint, None without one.

    "local" is the embedded model, named by `local_model`. `rule_faults` are sentences about
    invalid rules; `queries` are saved searches, as (name, query); `redact` are regular
    expressions of texts to redact in exports.
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
        """The endpoint with a name; None without one."""
        return next((e for e in self.endpoints if e.name == name), None)
