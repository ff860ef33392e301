"""The layers of a request's parameters, from the provider's settings to the session.

A later layer overrides the ones before it. A session keeps only its own values, so that each
value has a source, and a changed setting applies to all sessions.
"""

from collections.abc import Sequence
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.settings import Settings
from replyscope.domain.values import dataclass

SESSION = "session"


@dataclass(frozen=True, slots=True)
class Layer:
    """The parameters from one source, and the source in a few words."""

    source: str
    parameters: Parameters


def parameter_layers(
    settings: SessionSettings,
    endpoint: Endpoint | None,
    model: str | None = None,
    known: Settings | None = None,
) -> tuple[Layer, ...]:
    """The layers of a session at an endpoint: provider, patterns of models, preset, session.

    `known` are the settings of the person.
    """
    layers = []
    if endpoint is not None:
        layers.append(Layer(f"provider {endpoint.name}", endpoint.parameters))
    for one in known.model_defaults if known is not None else ():
        if model is not None and one.matches(model):
            layers.append(Layer(f"models {one.pattern}", one.parameters))
    preset = known.preset(settings.preset) if known is not None else None
    if preset is not None:
        layers.append(Layer(f"preset {preset.name}", preset.parameters))
    return (*layers, Layer(SESSION, settings.parameters))


def effective(layers: Sequence[Layer]) -> Parameters:
    """The parameters that are sent."""
    merged = Parameters()
    for layer in layers:
        merged = layer.parameters.merged_over(merged)
    return merged


def source_of(name: str, layers: Sequence[Layer]) -> str | None:
    """The source of a parameter's value; None if it has none."""
    found: str | None = None
    for layer in layers:
        if name in layer.parameters.given():
            found = layer.source
        elif name in (layer.parameters.unset or ()):
            found = None
    return found


def values_above(name: str, layers: Sequence[Layer]) -> list[tuple[str, Any]]:
    """The values of a parameter in all layers that set it, with their sources."""
    given = [(layer.source, layer.parameters.given()) for layer in layers]
    return [(source, values[name]) for source, values in given if name in values]
