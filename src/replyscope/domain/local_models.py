"""The embedded models, as the screens ask for them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from replyscope.domain.endpoint import Endpoint


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
    """How far an installation is: a step in words, and bytes of bytes."""

    step: str
    done: int
    total: int


class LocalModels(Protocol):
    """The embedded models: what there is, installing, and running one."""

    @property
    def default_name(self) -> str:
        """The model that is proposed."""
        ...

    def missing_engine(self) -> str | None:
        """A sentence saying how to install the engine, None when it is there."""
        ...

    def list_models(self) -> tuple[LocalModel, ...]:
        """The catalogue, with what is installed."""
        ...

    def install(self, name: str) -> AsyncGenerator[InstallProgress, None]:
        """Download, verify and put in place; cancelling keeps what came. Raises LocalModelError."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the weights."""
        ...

    async def start(self, name: str) -> Endpoint:
        """Run the model in a child process; the endpoint it answers on. Raises LocalModelError."""
        ...

    async def stop(self) -> None:
        """End the child process."""
        ...
