"""The private part of genai-prices that the program uses.

`tests/test_internals.py` fails when it changes.
"""

from typing import Any

from genai_prices.types import Provider, _providers_from_raw


def providers_from_raw(raw: Any) -> list[Provider]:
    """The providers of a downloaded list. Raises ValueError for another form.

    UpdatePrices has it in a method that also downloads, and can't read a saved list.
    """
    return _providers_from_raw(raw)
