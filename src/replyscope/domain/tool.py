"""Tools, their results, and the rules of consent for their calls."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from replyscope.domain.glob import glob_of
from replyscope.domain.readings import Readings
from replyscope.domain.values import dataclass


class ToolCallState(StrEnum):
    """The state of a tool call."""

    ASSEMBLING = "assembling"
    REQUESTED = "requested"
    """Complete, and waiting to be run."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    """The person or a rule did not allow it."""
    INTERRUPTED = "interrupted"
    """It started and its ending is unknown: it is never run again without consent."""


SHIPPED = "shipped"
"""The source of the tools that come with the program."""


def source_words(source: str) -> str:
    """The source of a tool for a person."""
    return "built-in" if source == SHIPPED else source


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call.

    `name` is its name for the model, unique within a session; `schema` is the JSON schema of its
    arguments, as text. `source` is its origin: "shipped", a file of the person, or
    "mcp:SERVER", where `own_name` is its name. `touches` describes its access in words.
    A tool that always asks can't be allowed by a rule. `output_schema` is the JSON schema
    of structured results, as text; empty without one.
    """

    name: str
    description: str
    schema: str
    source: str
    own_name: str
    touches: str = ""
    always_asks: bool = False
    output_schema: str = ""

    @property
    def full_name(self) -> str:
        """The name for rules, unique among all sources."""
        return f"{self.source}/{self.own_name}"

    @property
    def origin(self) -> str:
        """The source in words for a person."""
        return source_words(self.source)

    def is_named_in(self, names: Collection[str]) -> bool:
        """Whether one of the names selects this tool: its own name, its source or its full name."""
        return any(name in names for name in (self.own_name, self.source, self.full_name))


@dataclass(frozen=True, slots=True)
class ToolSource:
    """A source of tools and its state: a sentence, and its error. `notes` name the tools of a
    working source that are left out or changed.
    """

    name: str
    state: str
    fault: str = ""
    log: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A binary result, saved as a file; size in bytes."""

    name: str
    media_type: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """The result of a tool. `output` is the text for the model; `detail` is only for the person:
    a traceback or printed output. `structured` is structured content, as JSON.
    """

    output: str
    is_error: bool = False
    detail: str = ""
    files: tuple[KeptFile, ...] = ()
    structured: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """A rule of the person that allows or forbids calls of a tool.

    `patterns` are (argument, pattern); see Glob. A rule that allows covers a call only when it
    has a pattern for every argument of the call, and each matches every exact reading of its
    argument. A rule that forbids covers a call when every pattern matches any reading of its
    argument. `tool` is a full name, with `*` as a wildcard. Raises ValueError for an
    invalid pattern.
    """

    tool: str
    allows: bool
    patterns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for pattern in (*self.tool.split("/", 1), *(pattern for _, pattern in self.patterns)):
            glob_of(pattern)

    def names(self, full_name: str) -> bool:
        """Whether the rule applies to this tool. A tool's name may contain a `/`."""
        sources, _, tools = self.tool.partition("/")
        source, _, tool = full_name.partition("/")
        return all(
            glob_of(pattern, crosses=True).matches(name)
            for pattern, name in ((sources, source), (tools, tool))
        )

    def covers(
        self,
        full_name: str,
        given: Mapping[str, Readings],
        defaults: Mapping[str, Readings] | None = None,
    ) -> bool:
        """Whether the rule applies to a call. `defaults` are the tool's defaults for arguments that
        the call lacks.
        """
        if not self.names(full_name):
            return False
        known = {**(defaults or {}), **given}
        if not self.allows:
            return all(name in known and known[name].any_fits(p) for name, p in self.patterns)
        fits = all(name in known and known[name].all_fit(p) for name, p in self.patterns)
        return fits and given.keys() <= {name for name, _ in self.patterns}


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a call, and its origin. `arguments` are the arguments that the person
    changed; `reason` is the reason of a refusal, for the model. A decision that `stops` leaves
    the call waiting and ends the turn. `rules` are the rules that allowed the call: they must
    also cover everything that the tool opens.
    """

    allows: bool
    by: str
    reason: str = ""
    arguments: str | None = None
    stops: bool = False
    rules: tuple[ConsentRule, ...] = ()


@dataclass(frozen=True, slots=True)
class McpServer:
    """A tool server: a command to start it, or its URL. `sign_in_origins` are the other servers
    that its sign-in may use, such as https://auth.example.
    """

    name: str
    command: str | None = None
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    folder: str | None = None
    url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_disabled: bool = False
    sign_in_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A resource or a prompt of a tool server.

    `key` identifies it at the server: a URI, or a name. `arguments` are the arguments of a
    prompt, each with whether it is required.
    """

    server: str
    key: str
    title: str
    about: str = ""
    arguments: tuple[tuple[str, bool], ...] = ()

    @property
    def command(self) -> str:
        """The name of a prompt as a slash command."""
        return f"{self.server}:{self.key}"


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """The tool settings of the person. `enabled` names tools or sources.

    Output limits are in characters, times in seconds; a budget of None is unlimited. Variables
    with API keys are never passed to tools. At most `processes` tools run as processes at once;
    `environment` names additional variables for the person's own tools.
    """

    enabled: tuple[str, ...] = ()
    timeout_s: float = 60.0
    rounds: int = 10
    most_output: int = 50_000
    budget_tokens: int | None = None
    budget_usd: float | None = None
    http_hosts: tuple[str, ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    servers: tuple[McpServer, ...] = ()
    key_variables: tuple[str, ...] = ()
    processes: int = 8
    environment: tuple[str, ...] = ()
