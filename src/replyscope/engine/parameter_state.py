"""The state of one parameter for a screen: what the server gets, and what it rejected."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from replyscope.domain.endpoint import Endpoint, limit_name
from replyscope.domain.exchange import Api
from replyscope.domain.values import dataclass
from replyscope.engine.parameter_layers import Layer, effective, values_above
from replyscope.engine.parameter_texts import text_of

if TYPE_CHECKING:  # loaded with the catalogue: the start does not need it
    from replyscope.domain.parameter import Parameter

_API_NAMES = {Api.CHAT: "Chat Completions", Api.RESPONSES: "Responses"}


@dataclass(frozen=True, slots=True)
class ParameterState:
    """Sentences about a parameter: what the next request has, and what the server rejected.
    `mark` is what the model is known to reject, in few words.
    """

    sent: tuple[str, ...]
    rejected: tuple[str, ...] = ()
    mark: str = ""


def find_state(
    parameter: "Parameter",
    layers: Sequence[Layer],
    endpoint: Endpoint | None,
    adaptations: Mapping[str, str],
    notes: Iterable[str] = (),
) -> ParameterState:
    """The state of a parameter in the next request to an endpoint.

    `adaptations` are the replacements that the model is known to need, by the field of the
    request; `notes` are the notes of the last reply.
    """
    field, names = _field_of(parameter, endpoint), request_names(parameter, endpoint)
    instead = next((adaptations[name] for name in names if name in adaptations), None)
    lines = []
    values = values_above(parameter.name, layers)
    if len(values) > 1:
        said = " over ".join(f"{text_of(one)} ({source})" for source, one in reversed(values))
        lines.append(f"set: {said}")
    given = effective(layers).given()
    value, extra = given.get(parameter.name), given.get("extra", {})
    replaced = (field or parameter.name).partition(".")[0]
    if parameter.name != "extra" and replaced in extra:
        lines.append(f"sent as {replaced}: {text_of(extra[replaced])}, from extra")
    elif not field and endpoint is not None:
        lines.append(f"not sent: {_API_NAMES[endpoint.api]} does not have it")
    elif instead == "drop":
        lines.append("not sent: this model rejected it")
    elif value is None:
        lines.append(f"not set; sent as {instead or field}")
    else:
        lines.append(f"sent as {instead or field}: {text_of(value)}")
    rejected = [note for note in notes if note.partition(" ")[0] in names]
    if instead not in (None, "drop"):
        rejected.append(f"this model rejected {field}")
    mark = "rejected, not sent" if instead == "drop" else f"sent as {instead}" if instead else ""
    return ParameterState(tuple(lines), tuple(dict.fromkeys(rejected)), mark)


def request_names(parameter: "Parameter", endpoint: Endpoint | None) -> set[str]:
    """The names under which a server may reject a parameter."""
    return {parameter.name, _field_of(parameter, endpoint).partition(".")[0]}


def _field_of(parameter: "Parameter", endpoint: Endpoint | None) -> str:
    """The place of a parameter in the request; "" if the API does not have it."""
    if endpoint is None:
        return " or ".join(dict.fromkeys(parameter.sent_as.values()))
    if parameter.name == "max_tokens" and endpoint.api is Api.CHAT:
        return limit_name(endpoint.base_url)
    return parameter.sent_as.get(endpoint.api, "")
