"""Converts parameters of a request to texts that a person edits, and back."""

import json
from typing import TYPE_CHECKING, Any

from replyscope.domain.exchange import Api
from replyscope.domain.json_text import dump_json
from replyscope.domain.session import Parameters

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Catalogue

NOT_SENT = "null"
"""The text for a parameter that is not sent, even if the provider's settings have it."""


def text_of(value: Any) -> str:
    """The text of a value, from which `Parameter.read` makes the same value; "" for None."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return dump_json(value)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(value, ensure_ascii=False)


def with_typed(
    parameters: Parameters, catalogue: "Catalogue", name: str, text: str, api: Api | None = None
) -> Parameters:
    """The parameters with the value of a typed text. An empty text removes the value, `null`
    also keeps the provider's value from being sent. Raises ParameterFault.
    """
    is_known = name in parameters.given() or name in (parameters.unset or ())
    if not text and is_known:  # also one that the catalogue no longer has
        return parameters.inheriting(name)
    parameter = catalogue.find(name, text)
    if not text:
        return parameters
    if text == NOT_SENT:
        return parameters.unsetting(name)
    return parameters.changed({name: parameter.read(text, api)})
