"""The table of the query language's fields, with type, help and examples of each.

To add a field, add an entry to `FIELDS`. Rules match it in memory, the index stores it, the
search compiles it to SQL, and the help and the completion show it. `domain.matching` and
`store.query_sql` handle the types of fields, not single fields.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from replyscope.domain.exchange import Api, Exchange, output_rate
from replyscope.domain.facts import Facts, Mark
from replyscope.domain.finish import FinishReason
from replyscope.domain.session import WATCHED
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a reply, None when unknown; a query compares it (`>4k`, `<=2s`)."""

    read: Callable[[Exchange], float | None]


@dataclass(frozen=True, slots=True)
class Names:
    """Names of a reply, matched by a pattern with * and ?. `choices` are all names, if fixed.

    A value with the sign `shortens` in it also matches longer names, such as versions.
    """

    read: Callable[[Exchange], Iterable[str]]
    choices: tuple[str, ...] = ()
    shortens: str = ""

    def pattern(self, value: str) -> str:
        """The pattern that a value of a query means."""
        return f"{value}*" if self.shortens and self.shortens in value else value


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of the session, matched by a pattern with * and ?."""


@dataclass(frozen=True, slots=True)
class OfSession:
    """A text of the session, matched by a pattern with * and ?. `fact` is its attribute of
    `Facts`, `unnamed` the value of an empty text.

    A text with parts, see PART, matches if any part begins with the value.
    """

    fact: str
    unnamed: str = ""
    has_parts: bool = False

    def pattern(self, value: str) -> str:
        """The pattern that a value of a query means, for `searched`."""
        return f"*{PART}{value}*" if self.has_parts else value

    def searched(self, text: str) -> str:
        """The text that the pattern is compared with."""
        return f"{PART}{text}" if self.has_parts else text or self.unnamed


PART = " · "
"""The separator of the parts of a text, such as the name and the command of a program."""
ME = "me"
"""The owner of the own sessions."""
OWN = "replyscope"
"""The source of the sessions of replyscope itself."""


class Side(StrEnum):
    """The times that a day in a query includes."""

    BEFORE = "before"
    AFTER = "after"
    """That day or later."""
    ON = "on"


@dataclass(frozen=True, slots=True)
class Day:
    """The start of the reply, compared with a day."""

    side: Side


@dataclass(frozen=True, slots=True)
class Text:
    """Words of a reply; `places` are the texts of `Facts` that are searched."""

    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Title:
    """Words of the session's title."""


@dataclass(frozen=True, slots=True)
class IsKnown:
    """A test of a reply: whether the number of a field is known."""

    field: str


@dataclass(frozen=True, slots=True)
class IsTrue:
    """A test of a reply or its session: whether an attribute of `Facts` is true."""

    fact: str


@dataclass(frozen=True, slots=True)
class Lacks:
    """A test that passes when another fails."""

    test: "Test"


@dataclass(frozen=True, slots=True)
class Both:
    """A test that passes when all of its tests pass."""

    tests: tuple["Test", ...]


Test = Mark | IsKnown | IsTrue | Lacks | Both


@dataclass(frozen=True, slots=True)
class Flags:
    """Named tests of a reply; a query has the name of one, or a pattern for several."""

    tests: Mapping[str, Test]


FieldType = Number | Names | Tags | OfSession | Day | Text | Title | Flags


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the query language: its type, its help, and values to complete.

    `example` is a value for the help. A field without its own line in the help names the field
    whose line explains it. `more` has further lines, as (query, help).
    """

    type: FieldType
    help: str
    example: str
    offered: tuple[str, ...] = ()
    beside: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """All values that the field can have; empty when they are not fixed."""
        match self.type:
            case Flags(tests=tests):
                return tuple(tests)
            case Names(choices=choices):
                return choices
        return ()

    @property
    def values(self) -> tuple[str, ...]:
        """Values to complete, independent of the saved sessions."""
        return self.offered or self.choices


def _finishes(exchange: Exchange) -> Iterable[str]:
    return (choice.finish_reason for choice in exchange.choices if choice.finish_reason)


def _tools(exchange: Exchange) -> Iterable[str]:
    return (call.name for choice in exchange.choices for call in choice.tool_calls if call.name)


def _prompts(exchange: Exchange) -> Iterable[str]:
    names = (name for name, _ in exchange.prompts)
    return (*names, *exchange.prompt_versions)


def _usage(name: str) -> Callable[[Exchange], float | None]:
    return lambda exchange: getattr(exchange.usage, name, None)


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


_HAS: dict[str, Test] = {
    mark.value: mark for mark in (Mark.ERROR, Mark.TOOL, Mark.IMAGE, Mark.REASONING, Mark.FINDING)
}
_IS: dict[str, Test] = {
    "flagged": Mark.FLAGGED,
    "partial": Mark.PARTIAL,
    "toolfailed": Mark.TOOL_FAILED,
    "reported": Both((IsKnown("cost"), IsTrue("is_cost_reported"))),
    "estimated": Both((IsKnown("cost"), Lacks(IsTrue("is_cost_reported")))),
    "unpriced": Lacks(IsKnown("cost")),
    "unmetered": Lacks(IsKnown("out")),
    "pinned": IsTrue("is_pinned"),
    "archived": IsTrue("is_archived"),
    "deleted": IsTrue("is_deleted"),
}
ANYWHERE = Text(("prompt", "text", "reasoning", "calls"))
"""The texts that a word without a field is searched in."""

FIELDS: dict[str, Field] = {
    "text": Field(Text(("text",)), "words in the reply only", "oslo", beside="title"),
    "title": Field(Title(), "words in the session's title", "oslo", beside="text"),
    "finish": Field(
        Names(_finishes, choices=tuple(reason.value for reason in FinishReason)),
        "finish reason: stop, length, tool_calls, content_filter, error …",
        "length",
    ),
    "model": Field(
        Names(lambda e: (e.model, e.answered_model or "")),
        "requested or answering model; * and ? match any characters",
        "gpt-6*",
    ),
    "asked": Field(Names(lambda e: (e.model,)), "requested model", "gpt-6*"),
    "tool": Field(Names(_tools), "a tool that the reply called", "read_file"),
    "prompt": Field(
        Names(_prompts, shortens="@"),
        "a prompt of the library that made the message; @3f2a: one of its versions",
        "review",
    ),
    "api": Field(
        Names(lambda e: (e.api,)),
        "chat, responses, or messages (Anthropic's, of a watched program)",
        "chat",
        offered=tuple(Api),
    ),
    "tokens": Field(
        Number(_usage("total_tokens")),
        "total tokens; in: input, out: output. > >= < <= or a number",
        ">4k",
        offered=(">4k", ">1000", "<100"),
    ),
    "in": Field(
        Number(_usage("input_tokens")),
        "input tokens",
        ">4k",
        offered=(">4k", ">1000", "<100"),
        beside="tokens",
    ),
    "out": Field(
        Number(_usage("output_tokens")),
        "output tokens",
        ">1k",
        offered=(">1k", ">500", "<10"),
        beside="tokens",
    ),
    "cost": Field(
        Number(lambda e: e.cost_usd),
        "US dollars",
        ">0.01",
        offered=(">0.01", ">$0.10", "<0.001"),
    ),
    "ttft": Field(
        Number(lambda e: _seconds(e.timing.first_token_ms)),
        "time to first token; duration: total time",
        ">2s",
        offered=(">2s", ">500ms", "<1s"),
    ),
    "duration": Field(
        Number(lambda e: _seconds(e.timing.duration_ms)),
        "total time of the reply",
        ">10s",
        offered=(">10s", ">60s", "<1s"),
        beside="ttft",
    ),
    "tps": Field(
        Number(lambda e: output_rate(e.usage, e.timing)),
        "tokens per second",
        "<10",
        offered=(">50", "<10", "<5"),
    ),
    "before": Field(
        Day(Side.BEFORE),
        "before that day",
        "7d",
        offered=("today", "yesterday", "7d", "4w"),
        beside="after",
    ),
    "after": Field(
        Day(Side.AFTER),
        "that day or later; also before: on:. 2026-11-02, 2026-11, today, 2w",
        "7d",
        offered=("7d", "30d", "yesterday", "today"),
    ),
    "on": Field(
        Day(Side.ON),
        "on that day, or in that month or year",
        "yesterday",
        offered=("today", "yesterday", "7d"),
        beside="after",
    ),
    "tag": Field(Tags(), "a tag of the session", "work"),
    "source": Field(
        OfSession("source", unnamed=OWN),
        "where the session comes from: replyscope, watch, or an import format",
        WATCHED,
        offered=(OWN, WATCHED),
    ),
    "client": Field(
        OfSession("client", has_parts=True),
        "the beginning of the watched program's name or command",
        "codex",
    ),
    "by": Field(
        OfSession("owner", has_parts=True),
        "on a hub: the role of the session, or me",
        ME,
        offered=(ME,),
    ),
    "machine": Field(
        OfSession("machine", has_parts=True),
        "on a hub: the machine that sent the reply",
        "laptop",
    ),
    "is": Field(
        Flags(_IS),
        "archived, deleted; flagged (by a rule), partial, toolfailed",
        "pinned",
        more=(("is:reported", "its cost: estimated, unpriced; unmetered has no usage"),),
    ),
    "has": Field(Flags(_HAS), "tool, image, reasoning, finding", "error"),
}


def fixed_terms() -> Iterator[str]:
    """The terms of the language without free values: `cost:`, `is:pinned`, `has:error`."""
    for name, field in FIELDS.items():
        if isinstance(field.type, Flags):
            yield from (f"{name}:{value}" for value in field.type.tests)
        else:
            yield f"{name}:"


def type_of(name: str | None) -> FieldType:
    """The type of a field; a term without one searches all texts of the reply."""
    return ANYWHERE if name is None else FIELDS[name].type


_NUMBERS = tuple((n, f.type.read) for n, f in FIELDS.items() if isinstance(f.type, Number))
_NAMES = tuple((n, f.type.read) for n, f in FIELDS.items() if isinstance(f.type, Names))


def numbers_of(exchange: Exchange) -> dict[str, float]:
    """The known numbers of an exchange, by field."""
    found = ((name, read(exchange)) for name, read in _NUMBERS)
    return {name: number for name, number in found if number is not None}


def names_of(exchange: Exchange) -> dict[str, tuple[str, ...]]:
    """The names of an exchange, by field, each once."""
    return {name: tuple(dict.fromkeys(map(str, read(exchange)))) for name, read in _NAMES}


def holds(test: Test, facts: Facts) -> bool:
    """Whether a reply passes a test."""
    match test:
        case Mark():
            return test in facts.marks
        case IsKnown(field=field):
            return field in facts.numbers
        case IsTrue(fact=fact):
            return bool(getattr(facts, fact))
        case Lacks(test=inner):
            return not holds(inner, facts)
        case Both(tests=tests):
            return all(holds(one, facts) for one in tests)
