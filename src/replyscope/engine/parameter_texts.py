"""Converts parameters of a request to texts that a person edits, and back."""

from replyscope.domain import limits
from replyscope.domain.limits import Limits
from replyscope.domain.session import Parameters
from replyscope.domain.typed_number import shortened


def shown_value(value: object) -> str:
    """Format a parameter for editing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(f"{name}={text}" for name, text in value)
        case _:
            return str(value)


def read_parameters(texts: dict[str, str]) -> Parameters:
    """Parse the fields' texts to parameters; an empty field is None. Raises ValueError with a
    sentence for the screen.
    """
    limit = _number(texts, "max_tokens", int, limits.MAX_TOKENS)
    seed = _number(texts, "seed", int, limits.SEED)
    n = _number(texts, "n", int, limits.CHOICES)
    return Parameters(
        max_tokens=int(limit) if limit is not None else None,
        temperature=_number(texts, "temperature", float, limits.TEMPERATURE),
        top_p=_number(texts, "top_p", float, limits.TOP_P),
        seed=int(seed) if seed is not None else None,
        reasoning_effort=texts.get("reasoning_effort") or None,
        verbosity=texts.get("verbosity") or None,
        n=int(n) if n is not None else None,
        store=_flag(texts, "store"),
        background=_flag(texts, "background"),
        metadata=_pairs(texts, "metadata"),
    )


def _number(
    texts: dict[str, str], name: str, kind: type[int] | type[float], allowed: Limits
) -> float | None:
    text = texts.get(name, "")
    if not text:
        return None
    try:
        value = kind(text)
    except ValueError:
        word = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name} must be {word}, not {shortened(text)!r}.") from None
    if value not in allowed:
        raise ValueError(f"{name} must be {allowed}.")
    return value


def _flag(texts: dict[str, str], name: str) -> bool | None:
    text = texts.get(name, "").lower()
    known = {
        "": None,
        "yes": True,
        "y": True,
        "true": True,
        "no": False,
        "n": False,
        "false": False,
    }
    if text not in known:
        raise ValueError(f"{name} must be yes or no, not {text!r}.")
    return known[text]


def _pairs(texts: dict[str, str], name: str) -> tuple[tuple[str, str], ...] | None:
    pairs = []
    for piece in filter(None, (p.strip() for p in texts.get(name, "").split(","))):
        key, equals, value = piece.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{name} must be name=value, not {piece!r}.")
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs) or None
