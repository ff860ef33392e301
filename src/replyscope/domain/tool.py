"""A tool is a function that a model may ask for; an outcome is what running it came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from replyscope.domain.glob import glob_of
from replyscope.domain.readings import Readings


class ToolCallState(StrEnum):
    """What became of a tool call."""

    ASSEMBLING = "assembling"
    REQUESTED = "requested"
    """Complete, and waiting for somebody to run it."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    """The person, or a rule of theirs, said no."""
    INTERRUPTED = "interrupted"
    """It began, and nobody knows how it ended: it is never run again unasked."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`name` is what the model sees, unique among the tools of a session; `schema` is the
    JSON schema of its arguments, as text. `source` says who runs it: "shipped", a file of
    the person's, or "mcp:SERVER", which knows it as `own_name`. `touches` says in words
    what it may reach. One that always asks is never allowed by a rule. `output_schema`,
    JSON as text too, is what structured results should fit; empty when none was given.
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
        """What rules name it by: no other source can take this name."""
        return f"{self.source}/{self.own_name}"


@dataclass(frozen=True, slots=True)
class ToolSource:
    """Where tools come from, and how it stands: a sentence, and what went wrong. `notes`
    name what is left out or changed of a source that works.
    """

    name: str
    state: str
    fault: str = ""
    log: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A binary result, kept as a file; size in bytes."""

    name: str
    media_type: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool came to. `output` is what the model is told; `detail` is for the person
    alone: a traceback, or what was printed. `structured` is structured content, as JSON.
    """

    output: str
    is_error: bool = False
    detail: str = ""
    files: tuple[KeptFile, ...] = ()
    structured: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """A person's standing answer for a tool: yes, or no.

    `patterns` are (argument, pattern); see Glob. A rule that allows covers a call only when
    it has a pattern for every argument that the call has, and each fits every exact reading
    of it; one that forbids, when every pattern fits any reading of its argument. `tool` is
    a full name, in which `*` stands for anything. Raises ValueError for a bad pattern.
    """

    tool: str
    allows: bool
    patterns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for pattern in (*self.tool.split("/", 1), *(pattern for _, pattern in self.patterns)):
            glob_of(pattern)

    def names(self, full_name: str) -> bool:
        """Whether the rule is about this tool. A source has no `/`; a tool's name may."""
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
        """Whether the rule speaks about a call. `defaults` are the arguments that the call
        leaves to the tool.
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
    """Whether a call may run, and who said so. `arguments` are the person's own when they
    changed them; `reason` is what the model is told about a no. One that `stops` leaves
    the call waiting, and the turn ends. `rules` are those that allowed it: what the tool
    opens on its way has to fit one of them too.
    """

    allows: bool
    by: str
    reason: str = ""
    arguments: str | None = None
    stops: bool = False
    rules: tuple[ConsentRule, ...] = ()


@dataclass(frozen=True, slots=True)
class McpServer:
    """How to reach a tool server: a command to start, or a URL. `sign_in_origins` are the
    other servers, such as https://auth.example, that its sign-in may lead to.
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
    """Something else that a server has: a resource to attach, or a prompt to send.

    `key` is how the server knows it: a URI, or a name. `arguments` are a prompt's, each
    with whether it has to be given.
    """

    server: str
    key: str
    title: str
    about: str = ""
    arguments: tuple[tuple[str, bool], ...] = ()

    @property
    def command(self) -> str:
        """What a prompt is called after a slash."""
        return f"{self.server}:{self.key}"


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """What a person has set about tools. `enabled` names tools or sources.

    Output limits are in characters, times in seconds; a budget of None is none. The
    variables that hold providers' keys are no program's of the model. At most `processes`
    tools run as processes at once; `environment` names variables that the person's own
    tools get besides those that every child has.
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
