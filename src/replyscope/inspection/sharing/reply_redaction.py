"""Redacts the texts of a reply without losing where its runs and sections begin."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from replyscope.domain.exchange import Choice, Run, RunKind
from replyscope.domain.shared import Clean
from replyscope.inspection.sharing.redaction import Redactor, cut


def clean_choice(choice: Choice, clean: Clean) -> Choice:
    """The choice with text, reasoning and refusal redacted. A secret may extend over runs."""
    said = [section.start for section in choice.sections]
    text, text_moves = _clean_text(choice.text, [*said, *_starts(choice, RunKind.TEXT)], clean)
    reasoning, reasoning_moves = _clean_text(
        choice.reasoning or "", _starts(choice, RunKind.REASONING), clean
    )
    refusal, refusal_moves = _clean_text(
        choice.refusal or "", _starts(choice, RunKind.REFUSAL), clean
    )
    moves = {
        RunKind.TEXT: text_moves,
        RunKind.REASONING: reasoning_moves,
        RunKind.REFUSAL: refusal_moves,
    }
    return replace(
        choice,
        text=text,
        reasoning=reasoning or None,
        refusal=refusal or None,
        sections=tuple(replace(s, start=text_moves.get(s.start, s.start)) for s in choice.sections),
        order=tuple(
            Run(run.kind, moves.get(run.kind, {}).get(run.start, run.start)) for run in choice.order
        ),
    )


def _starts(choice: Choice, kind: RunKind) -> list[int]:
    return [run.start for run in choice.order if run.kind is kind]


def _clean_text(text: str, starts: Sequence[int], clean: Clean) -> tuple[str, dict[int, int]]:
    """The redacted text, and the new offset of each start."""
    cuts = sorted({0, *(start for start in starts if 0 < start < len(text))})
    pieces = [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]
    if isinstance(clean, Redactor):
        cleaned = cut(pieces, clean.spans(text)) if clean.is_on else pieces
    else:
        cleaned = [clean(piece) for piece in pieces]
    places = accumulate(map(len, cleaned), initial=0)
    moves = dict(zip(cuts, places, strict=False))
    whole = "".join(cleaned)
    return whole, moves | {start: len(whole) for start in starts if start >= len(text)}
