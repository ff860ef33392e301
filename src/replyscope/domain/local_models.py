"""The protocol of the embedded models, for the screens."""

from collections.abc import AsyncGenerator
from typing import Protocol

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model of the embedded catalogue; sizes in bytes."""

    name: str
    title: str
    size: int
    licence: str
    good_for: str
    cannot: str
    is_installed: bool


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """The progress of an installation: a step in words, and bytes of a total."""

    step: str
    done: int
    total: int


class LocalModels(Protocol):
    """The embedded models: the catalogue, installation, and running one."""

    @property
    def default_name(self) -> str:
        """The name of the recommended model."""
        ...

    def missing_engine(self) -> str | None:
        """A sentence on how to install the engine; None when it is installed."""
        ...

    def list_models(self) -> tuple[LocalModel, ...]:
        """The models of the catalogue, each with whether it is installed."""
        ...

    def install(self, name: str) -> AsyncGenerator[InstallProgress, None]:
        """Download, verify and install; a cancelled download is kept. Raises LocalModelError."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the weights."""
        ...

    async def start(self, name: str) -> Endpoint:
        """Run the model in a child process. Returns its endpoint. Raises LocalModelError."""
        ...

    async def stop(self) -> None:
        """Stop the child process."""
        ...
