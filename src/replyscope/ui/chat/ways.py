"""The ways to a model that a person can choose among."""

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How a person wants to reach a model."""

    LOCAL = "local"
    KEY_STORED = "key stored"
    KEY_HELD = "key held"
    SERVER = "server"
    URL = "url"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Choice:
    """A way, and what goes with it: a model's or provider's name, or a URL, and a key."""

    way: Way
    value: str = ""
    product: str = ""
    key: str = ""
