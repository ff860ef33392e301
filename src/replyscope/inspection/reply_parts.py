"""The parts of a reply in the order of their arrival: the one place that decides this order."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from replyscope.domain.exchange import APPROVAL, Choice, Run, RunKind, ToolCall
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """Text, reasoning or a refusal. `phase` is the server's name for the section of text that
    begins here.
    """

    kind: RunKind
    text: str
    phase: str | None = None

    @property
    def markdown(self) -> str:
        """The text as Markdown; a commentary has its label above it."""
        return f"*commentary*\n\n{self.text}" if self.phase == "commentary" else self.text


ReplyPart = Passage | ToolCall


def reply_parts(choice: Choice) -> list[ReplyPart]:
    """The passages and tool calls of a choice in order; a section of text begins a passage."""
    parts: list[ReplyPart] = []
    missing = dict(enumerate(choice.tool_calls))
    runs = _runs(choice)
    ends = _ends(choice, runs)
    phases = {section.start: section.phase for section in choice.sections}
    places = sorted(phases)
    for run, end in zip(runs, ends, strict=True):
        if run.kind is RunKind.CALL:
            call = missing.pop(run.start, None)
            if call is not None:
                parts.append(call)
        else:
            is_text = run.kind is RunKind.TEXT
            inner = places[bisect_right(places, run.start) : bisect_left(places, end)]
            words = _words(choice, run.kind, [run.start, *(inner if is_text else ()), end])
            parts += (replace(one, phase=phases.get(at) if is_text else None) for at, one in words)
    return [*parts, *missing.values()]


def _runs(choice: Choice) -> Sequence[Run]:
    """The runs of a choice. Each kind of words begins at 0, so that nothing is left out."""
    runs: list[Run] = []
    begun: dict[RunKind, int] = {}
    for run in choice.order or _derived_runs(choice):
        start = run.start if run.kind in begun or run.kind is RunKind.CALL else 0
        if start >= begun.get(run.kind, 0):
            begun[run.kind] = start
            runs.append(Run(run.kind, start))
    left_out = [kind for kind in _WORDS if kind not in begun]
    return [*(Run(kind, 0) for kind in left_out), *runs] if choice.order else runs


def _derived_runs(choice: Choice) -> Iterator[Run]:
    """The order of a reply without recorded runs: calls whose items precede the message first."""
    yield Run(RunKind.REASONING, 0)
    kinds = [item.kind for item in choice.items]
    before = kinds[: kinds.index("message")] if "message" in kinds else kinds
    for number in range(sum(map(is_call_kind, before)) if choice.text else 0):
        yield Run(RunKind.CALL, number)
    yield Run(RunKind.TEXT, 0)
    yield Run(RunKind.REFUSAL, 0)


def is_call_kind(kind: str) -> bool:
    """Whether output items of a type are tool calls."""
    return kind.endswith("_call") or kind == APPROVAL


_WORDS = (RunKind.REASONING, RunKind.TEXT, RunKind.REFUSAL)


def _whole(choice: Choice, kind: RunKind) -> str:
    """All words of a kind."""
    words = {
        RunKind.REASONING: choice.reasoning,
        RunKind.TEXT: choice.text,
        RunKind.REFUSAL: choice.refusal,
    }
    return words.get(kind) or ""


def _ends(choice: Choice, runs: Sequence[Run]) -> list[int]:
    """The end of each run, which is the start of the next run of its kind."""
    following = {kind: len(_whole(choice, kind)) for kind in RunKind}
    ends: list[int] = []
    for run in reversed(runs):
        ends.append(following[run.kind])
        following[run.kind] = run.start
    return ends[::-1]


def _words(choice: Choice, kind: RunKind, places: Sequence[int]) -> Iterator[tuple[int, Passage]]:
    """The passages between places in the words of a kind, each with where it begins."""
    whole = _whole(choice, kind)
    for start, stop in pairwise(places):
        text = whole[start:stop]
        if kind is RunKind.REASONING and start:
            text = text.lstrip("\n")  # the blank line between two items
        if text:
            yield start, Passage(kind, text)


def joined_parts(choices: Sequence[Choice]) -> list[ReplyPart]:
    """The parts of a continued reply: a text that was cut continues in the same passage.

    Reasoning before the rest of such a text is joined with the reasoning above it.
    """
    parts: list[ReplyPart] = []
    for choice in choices:
        more = reply_parts(choice)
        first = next((n for n, part in enumerate(more) if not _is(part, RunKind.REASONING)), None)
        if first is not None and parts and _is(parts[-1], RunKind.TEXT, more[first]):
            text = _join("", parts.pop(), more.pop(first))
            more.insert(first, text)
        if more and len(parts) > 0 and _is(parts[-1], RunKind.REASONING, more[0]):
            more[0] = _join("\n\n", parts.pop(), more[0])
        parts += more
    return parts


def _is(part: ReplyPart, kind: RunKind, other: ReplyPart | None = None) -> bool:
    """Whether a part, and another one if given, is a passage of a kind."""
    return all(isinstance(one, Passage) and one.kind is kind for one in (part, other or part))


def _join(between: str, *parts: ReplyPart) -> Passage:
    passages = [part for part in parts if isinstance(part, Passage)]
    return replace(passages[0], text=between.join(one.text for one in passages))
