"""The validated settings, as plain values. The `config` package reads the file."""

from collections.abc import Collection, Mapping
from dataclasses import field

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.look import Look
from replyscope.domain.model_names import LOCAL, ModelDefaults, ModelName, parse_model_name
from replyscope.domain.preset import Preset
from replyscope.domain.rates import OwnRates
from replyscope.domain.rule import Rule
from replyscope.domain.spending import SpendingLimits
from replyscope.domain.tool import ToolSettings
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Layers:
    """The choices that select the layers of parameters: the model, and the session's preset."""

    model: str
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Daily backups: the number that is kept, 0 for none, and the folder if it is another one."""

    keep: int = 0
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class HubSettings:
    """The hub of the settings: its URL, the query of what others may read, whether entries are
    encrypted, and the name of this machine; None for the name of the computer.
    """

    url: str | None = None
    share: str | None = None
    encrypt: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the person. `provider` names the default endpoint, None without one.

    "local" is the embedded model, named by `local_model`. `rule_faults` are sentences about
    invalid rules; `queries` are saved searches, as (name, query); `redact` are regular
    expressions of texts to redact in exports. `aliases` are short names of models, each with
    MODEL or PROVIDER/MODEL, as `favourites` are; `entry_faults` are sentences about invalid
    entries of [models], [presets] and [prices]. `title_model` is the model that writes titles of
    sessions: an alias or a name, or "session" for the model of the session; None for no model.
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
    aliases: Mapping[str, str] = field(default_factory=dict)
    model_defaults: tuple[ModelDefaults, ...] = ()
    entry_faults: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()
    presets: tuple[Preset, ...] = ()
    prices: tuple[OwnRates, ...] = ()
    limits: SpendingLimits = field(default_factory=SpendingLimits)
    title_model: str | None = None
    backup: BackupSettings = field(default_factory=BackupSettings)
    mcp_share: str | None = None
    """The query of the replies that other programs may read; None for all."""
    hub: HubSettings = field(default_factory=HubSettings)

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint with a name; None without one."""
        return next((e for e in self.endpoints if e.name == name), None)

    def preset(self, name: str | None) -> Preset | None:
        """The preset with a name; None without one."""
        return next((one for one in self.presets if one.name == name), None)

    def find_model(self, name: str, others: Collection[str] = ()) -> ModelName:
        """The model of an alias; another name is a model of the provider in use.

        `others` are names of providers that are not in the settings.
        """
        return self.parse_model(name, others) if name in self.aliases else ModelName(name)

    def parse_model(self, text: str, others: Collection[str] = ()) -> ModelName:
        """The model of an alias, or of a text MODEL or PROVIDER/MODEL."""
        text = self.aliases.get(text, text)
        names = [endpoint.name for endpoint in self.endpoints]
        return parse_model_name(text, (*names, *others, LOCAL))
