"""The names of models: aliases, the provider of a model, and parameters by pattern."""

from collections.abc import Collection

from replyscope.domain.glob import glob_of
from replyscope.domain.session import Parameters
from replyscope.domain.values import dataclass

LOCAL = "local"
"""The provider of the embedded models."""


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model and the name of its provider; None is the provider in use."""

    model: str
    provider: str | None = None

    def __str__(self) -> str:
        return self.model if self.provider is None else f"{self.provider}/{self.model}"


def parse_model_name(text: str, providers: Collection[str]) -> ModelName:
    """The model of `PROVIDER/MODEL`, or of a text that begins with no provider's name.

    Of two providers that fit, the longer name is used.
    """
    fitting = [one for one in providers if text.startswith(f"{one}/") and text != f"{one}/"]
    if not fitting:
        return ModelName(text)
    provider = max(fitting, key=len)
    return ModelName(text[len(provider) + 1 :], provider)


@dataclass(frozen=True, slots=True)
class ModelDefaults:
    """The parameters of requests to the models that match a pattern, ignoring case."""

    pattern: str
    parameters: Parameters

    def matches(self, model: str) -> bool:
        """Whether a model's id matches; `*` also matches a slash."""
        return glob_of(self.pattern.lower(), crosses=True).matches(model.lower())
