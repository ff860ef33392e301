"""Unicode superscripts and subscripts, and accents as combining characters."""

_RAISED = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ",
        strict=True,
    )
) | {"′": "′", "″": "″", "‴": "‴", "'": "′", "∘": "°", "°": "°", "†": "†", "*": "*", "∗": "*"}
_LOWERED = dict(
    zip(
        "0123456789+-−=()aehijklmnoprstuvxβγρφχ,",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ,",
        strict=True,
    )
)
ACCENTS = {
    **dict.fromkeys("^ˆ̂", "\u0302"),
    **dict.fromkeys("~˜∼", "\u0303"),
    **dict.fromkeys("¯‾―‒_", "\u0305"),
    **dict.fromkeys("→⃗", "\u20d7"),
    "˙": "\u0307",
    "¨": "\u0308",
    "ˇ": "\u030c",
    "˘": "\u0306",
    "´": "\u0301",
    "`": "\u0300",
    "˚": "\u030a",
}
"""The combining character of an accent, by the accent."""


def raised(text: str) -> str | None:
    """The text as superscript, or None if a character has no such form."""
    return _mapped(text, _RAISED)


def lowered(text: str) -> str | None:
    """The text as subscript, or None if a character has no such form."""
    return _mapped(text, _LOWERED)


def _mapped(text: str, forms: dict[str, str]) -> str | None:
    pieces = [forms.get(char) for char in text]
    return "".join(filter(None, pieces)) if text and None not in pieces else None
