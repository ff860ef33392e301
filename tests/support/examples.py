"""How many examples a property gets: the loaded profile decides, in proportion."""

from hypothesis import settings

_LEAST = 20
_USUAL = 100
"""What Hypothesis runs of a property that asks for no number."""


def examples(whole: int) -> settings:
    """Run `whole` examples, and fewer where the profile runs fewer than usual."""
    share = min(1.0, settings().max_examples / _USUAL)
    return settings(max_examples=max(_LEAST, round(whole * share)), deadline=None)
