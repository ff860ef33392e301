"""Opens the hub of a URL, and builds the sync of one run. Imported when a hub is used."""

import importlib
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from replyscope.cli.wiring import Wiring
from replyscope.config.paths import make_private
from replyscope.config.settings import read_settings
from replyscope.domain.errors import HubError, HubLocked, SettingsError
from replyscope.domain.hub import Hub, Sealer
from replyscope.domain.regular_file import read_text
from replyscope.domain.settings import HubSettings
from replyscope.domain.typed_path import typed_path
from replyscope.engine.hub.calls import HubThread
from replyscope.engine.hub.leaving import HubFilter
from replyscope.engine.hub.sync import HubSync
from replyscope.hub.folder.hub import FolderHub
from replyscope.hub.sealing import AgeSealer, new_key
from replyscope.store.hub.lock import FileSyncLock
from replyscope.store.hub.log import SqliteHubLog

FOLDER = "folder:"
_DATABASE = ("postgresql://", "postgres://")
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]*@")


def clean_url(text: str) -> str:
    """The URL of a hub in one form: the path of a folder is absolute. Raises SettingsError."""
    if text.startswith(FOLDER) and text.removeprefix(FOLDER).strip():
        return f"{FOLDER}{typed_path(text.removeprefix(FOLDER)).absolute()}"
    if not text.startswith(_DATABASE):
        raise SettingsError(
            f"{text!r} is not the URL of a hub.",
            "Use folder:PATH, or postgresql://USER@HOST/DATABASE.",
        )
    if _PASSWORD.search(text):
        raise SettingsError(
            "The URL of a hub can't have a password.",
            "Save it in the system's keyring, a service file or ~/.pgpass: see docs/guide/team.md.",
        )
    return text


def open_hub(url: str) -> Hub:
    """A connection to a hub. Blocks. Raises HubError, SettingsError."""
    if url.startswith(FOLDER):
        return FolderHub(Path(url.removeprefix(FOLDER)))
    hub: Hub = load_postgres("replyscope.cli.hub_postgres").open_postgres_hub(url)
    return hub


def load_postgres(module: str) -> Any:
    """A module that needs the library for PostgreSQL. Raises HubError without it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise HubError(
            f"A hub in a PostgreSQL database needs a library that is not installed ({error.name}).",
            "Install it with `pip install 'replyscope[team]'`, or use a folder.",
        ) from error


@asynccontextmanager
async def opened_hub(url: str) -> AsyncIterator[tuple[HubThread, Hub]]:
    """A connection to a hub, and the thread on which it is used. Raises HubError."""
    thread = HubThread()
    try:
        hub: Hub = await thread.call(open_hub, url)
        try:
            yield thread, hub
        finally:
            with suppress(HubError):  # one that hangs is left to the thread
                await thread.call(hub.close)
    finally:
        thread.close()


def log_of(wiring: Wiring) -> SqliteHubLog:
    """The change log of the archive."""
    store = wiring.store
    return SqliteHubLog(lambda: store.database, store.settled, wiring.clock.now)


def sync_of(wiring: Wiring, url: str | None = None) -> HubSync:
    """The sync of this run. `url` is the hub, if it is known already. Raises SettingsError."""
    settings = read_settings(wiring.paths.settings)
    log = log_of(wiring)
    leaving = HubFilter(
        log,
        wiring.index,
        wiring.clock,
        settings.hub.share,
        not (url or "").startswith(FOLDER),
        lambda: read_settings(wiring.paths.settings).redact,
        str(Path.home()),
    )
    lock = FileSyncLock(wiring.paths.data / "hub.lock")
    return HubSync(
        log,
        open_hub,
        leaving,
        lock,
        wiring.clock,
        wiring.new_id,
        sealer_of(wiring),
        settings.hub.name,
    )


def sealer_of(wiring: Wiring) -> Callable[[], Sealer | None]:
    """Returns the encryption of the settings. It is read at each sync: the key may come later."""
    settings = read_settings(wiring.paths.settings).hub
    key = wiring.paths.hub_key

    def sealer() -> Sealer | None:
        if not settings.encrypt and not key.exists():
            return None
        if not key.exists():
            raise HubLocked(
                f"[hub] encrypt is set, and there is no key in {key}.",
                "Copy hub.key from the machine that made the hub, or run `replyscope hub init`.",
            )
        return AgeSealer(_read_key(key))

    return sealer


def _read_key(path: Path) -> str:
    try:
        return read_text(path, most_bytes=10_000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HubLocked(f"The key {path} can't be read ({error}).", "Check the file.") from error


def create_key(path: Path) -> None:
    """Write a new key, readable by its owner only. Raises HubLocked, SettingsError."""
    key = new_key()
    try:
        make_private(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{key}\n")
    except OSError as error:
        raise SettingsError(f"The key {path} can't be written ({error}).") from error


def machine_name(settings: HubSettings) -> str:
    """The name of this machine on the hub."""
    return settings.name or socket.gethostname() or "machine"
