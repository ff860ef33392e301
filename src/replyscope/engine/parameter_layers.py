"""The layers of a request's parameters, from the provider's settings to the session.

A later layer overrides the ones before it. A session keeps only its own values, so that each
value has a source, and a changed setting applies to all sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.model_names import ModelDefaults
from replyscope.domain.session import Parameters, SessionSettings

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
    defaults: Sequence[ModelDefaults] = (),
) -> tuple[Layer, ...]:
    """The layers of a session at an endpoint: provider, patterns of models, session."""
    layers = []
    if endpoint is not None:
        layers.append(Layer(f"provider {endpoint.name}", endpoint.parameters))
    for one in defaults:
        if model is not None and one.matches(model):
            layers.append(Layer(f"models {one.pattern}", one.parameters))
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
    """The values of a parameter in all layers that have one, with their sources."""
    given = [(layer.source, layer.parameters.given()) for layer in layers]
    return [(source, values[name]) for source, values in given if name in values]
