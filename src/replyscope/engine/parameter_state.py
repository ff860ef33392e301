"""The state of one parameter for a screen: what the server gets, and what it rejected."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from replyscope.domain.endpoint import Endpoint, limit_name
from replyscope.domain.exchange import Api
from replyscope.domain.parameter import Parameter
from replyscope.engine.parameter_layers import Layer, effective, values_above
from replyscope.engine.parameter_texts import text_of

_API_NAMES = {Api.CHAT: "Chat Completions", Api.RESPONSES: "Responses"}


@dataclass(frozen=True, slots=True)
class ParameterState:
    """What becomes of a parameter: its name, the field that it is sent as, and sentences."""

    name: str
    field: str
    lines: tuple[str, ...] = ()


def find_state(
    parameter: Parameter, layers: Sequence[Layer], endpoint: Endpoint | None
) -> ParameterState:
    """The state of a parameter in the next request to an endpoint."""
    value = effective(layers).given().get(parameter.name)
    field = _field_of(parameter, endpoint)
    lines = []
    values = values_above(parameter.name, layers)
    if len(values) > 1:
        said = " over ".join(f"{text_of(one)} ({source})" for source, one in reversed(values))
        lines.append(f"set: {said}")
    if not field:
        assert endpoint is not None
        lines.append(f"{_API_NAMES[endpoint.api]} does not have it: it is not sent")
    elif value is None:
        lines.append(f"not sent; it would be sent as {field}")
    else:
        lines.append(f"sent as {field}: {text_of(value)}")
    return ParameterState(parameter.name, field, tuple(lines))


def _field_of(parameter: Parameter, endpoint: Endpoint | None) -> str:
    """The place of a parameter in the request; "" if the API does not have it."""
    if endpoint is None:
        return " or ".join(dict.fromkeys(parameter.sent_as.values()))
    if parameter.name == "max_tokens" and endpoint.api is Api.CHAT:
        return limit_name(endpoint.base_url)
    return parameter.sent_as.get(endpoint.api, "")


def find_sentences(
    state: ParameterState, adaptations: Mapping[str, str], notes: Iterable[str]
) -> list[str]:
    """Sentences about what the server rejected: the notes of the last reply, and what is known
    of the model from earlier replies.
    """
    names = {state.name, state.field.partition(".")[0]}
    said = [note for note in notes if note.partition(" ")[0] in names]
    for name in sorted(names & adaptations.keys()):
        instead = adaptations[name]
        if instead == "drop":
            said.append(f"this model rejected {name}: it is left out")
        else:
            said.append(f"this model rejected {name}: it is sent as {instead}")
    return list(dict.fromkeys(said))
