"""The embedded models: installs their weights and runs the engine. Implements LocalModels."""

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind
from replyscope.domain.environment import ENGINE
from replyscope.domain.errors import LocalModelError, LocalModelMissing
from replyscope.domain.isolated_python import python_command, python_environment
from replyscope.domain.local_models import InstallProgress, LocalModel
from replyscope.domain.regular_file import write_own
from replyscope.domain.system_words import system_words
from replyscope.domain.typed_path import typed_path
from replyscope.local.catalogue import CATALOGUE, DEFAULT, find_weights, weights_path

_CONTEXT_TOKENS = 8_192
_START_TIMEOUT_S = 120.0
ENDPOINT_NAME = "local"
_MAGIC = b"GGUF"


class EmbeddedModels:
    """A manager of embedded models in one folder, with one model at a time in a child process.

    `hold_key` receives the API key of the child's server, which is kept in memory only.
    """

    default_name = DEFAULT

    def __init__(self, folder: Path, hold_key: Callable[[str, str], None]) -> None:
        self._folder = folder
        self._hold_key = hold_key
        self._own: dict[str, Path] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._running: tuple[str, Endpoint] | None = None
        self._log_path = folder / "engine.log"

    def missing_engine(self) -> str | None:
        """Instructions to install the engine; None when it is installed."""
        if importlib.util.find_spec("xllamacpp") is not None:
            return None
        return (
            "The embedded model needs its engine: install replyscope with the `local` extra "
            "(pip install 'replyscope[local]')."
        )

    def list_models(self) -> tuple[LocalModel, ...]:
        """The models of the catalogue, with their install state."""
        return tuple(
            LocalModel(
                name=w.name,
                title=w.title,
                size=w.size,
                licence=w.licence,
                good_for=w.good_for,
                cannot=w.cannot,
                is_installed=weights_path(self._folder, w).exists(),
            )
            for w in CATALOGUE
        )

    async def install(self, name: str) -> AsyncGenerator[InstallProgress, None]:
        """Download, verify and install the weights of a model. Raises LocalModelError."""
        missing = self.missing_engine()
        if missing is not None:
            raise LocalModelMissing(missing)
        from replyscope.local.download import install_weights  # the chat starts without it

        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            async with contextlib.aclosing(
                install_weights(self._folder, find_weights(name))
            ) as steps:
                async for progress in steps:
                    yield progress
        except OSError as error:
            raise LocalModelError(f"{name} can't be installed ({system_words(error)}).") from error

    async def remove(self, name: str) -> None:
        """Delete the weights of a model, and the parts of an unfinished download."""
        weights = find_weights(name)
        if self._running is not None and self._running[0] == name:
            await self.stop()
        try:
            path = weights_path(self._folder, weights)
            path.unlink(missing_ok=True)
            path.with_suffix(".verified").unlink(missing_ok=True)
            shutil.rmtree(self._folder / ".partial" / name, ignore_errors=True)
        except OSError as error:
            raise LocalModelError(f"{name} can't be removed ({system_words(error)}).") from error

    def add_own(self, path: Path) -> str:
        """Register a weights file of the user. Returns its name. Raises LocalModelError."""
        path = typed_path(str(path)).absolute()
        if not path.is_file():
            raise LocalModelError(f"{path} is not a file.", "Give the path of a GGUF file.")
        try:
            with path.open("rb") as file:
                magic = file.read(len(_MAGIC))
        except OSError as error:
            raise LocalModelError(f"{path} can't be read ({error.strerror}).") from error
        if magic != _MAGIC:
            raise LocalModelError(f"{path} is not a GGUF file.", "Choose weights in GGUF format.")
        self._own[path.stem] = path
        return path.stem

    async def start(self, name: str) -> Endpoint:
        """Start a model, unless it is running already. Returns its endpoint.

        Raises LocalModelError.
        """
        if self._running is not None and self._running[0] == name and self._is_alive():
            return self._running[1]
        await self.stop()
        missing = self.missing_engine()
        if missing is not None:
            raise LocalModelMissing(missing)
        path = self._own.get(name) or await self._verified(name)
        key = secrets.token_urlsafe(24)
        address = await self._spawn(path, name, key)
        self._hold_key(ENDPOINT_NAME, key)
        endpoint = Endpoint(
            name=ENDPOINT_NAME,
            base_url=f"{address}/v1",
            key_source=KeySource(KeySourceKind.GIVEN),
            model=name,
        )
        self._running = (name, endpoint)
        return endpoint

    async def _verified(self, name: str) -> Path:
        """The verified weights of a catalogue model. Raises LocalModelError."""
        weights = find_weights(name)
        path = weights_path(self._folder, weights)
        if not path.is_file():
            raise LocalModelMissing(
                f"{path.name} is not installed.", f"Run `replyscope local install {name}`."
            )
        from replyscope.local.verifying import verify_weights  # the chat starts without it

        await asyncio.to_thread(verify_weights, path, weights)
        return path

    async def stop(self) -> None:
        """Stop the child process. It exits when its standard input closes."""
        process, self._process, self._running = self._process, None, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 2.0)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _spawn(self, path: Path, alias: str, key: str) -> str:
        """Start the child and wait until it is ready. Returns its address."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with write_own(self._log_path) as log:
            process = await asyncio.create_subprocess_exec(
                *python_command("replyscope.local.serve"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=python_environment(ENGINE),
                cwd=self._folder,  # the engine searches its working folder for libraries
                start_new_session=True,  # so that Ctrl+C in the terminal does not reach the child
            )
        self._process = process
        config = {
            "model": str(path),
            "alias": alias,
            "key": key,
            "context": _CONTEXT_TOKENS,
            "template": _template_of(alias),
            "threads": max(1, (os.cpu_count() or 2) if (os.cpu_count() or 2) <= 4 else 4),
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(config).encode() + b"\n")
        try:
            return await asyncio.wait_for(self._address(process), _START_TIMEOUT_S)
        except BaseException:
            await self.stop()
            raise

    async def _address(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            text = line.decode("utf-8", errors="replace").strip()
            if text.startswith("READY "):
                return text.removeprefix("READY ").rstrip("/")
        raise LocalModelError(
            f"The embedded model exited during startup ({self._log_end()}).",
            "Check the free memory. `replyscope local remove` and `install` renew the weights.",
        )

    def _log_end(self) -> str:
        try:
            lines = self._log_path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return "no log"
        return next((line for line in reversed(lines) if line.strip()), "no log")[:300]


def _template_of(name: str) -> str | None:
    """The chat template that replaces a model's own; None to keep that.

    Qwen's own template makes the model print tool calls as text, which the engine cannot parse.
    """
    path = Path(__file__).with_name("templates") / f"{name}.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else None
