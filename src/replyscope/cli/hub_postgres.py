"""Opens the PostgreSQL hub: for a sync, or as the archive of a command with --hub.

Imported when a hub is used: psycopg is an optional library.
"""

import os
from dataclasses import replace
from typing import Any

from replyscope.cli.hub_opening import log_of
from replyscope.cli.report import warn
from replyscope.cli.wiring import Wiring, describe, translate_frames
from replyscope.config.keys import read_password
from replyscope.config.settings import read_settings
from replyscope.domain.errors import SettingsError
from replyscope.engine.archive import Archive
from replyscope.engine.review import Review
from replyscope.hub.postgres.address import SCHEMES
from replyscope.hub.postgres.archive import PostgresArchive, PostgresLabels
from replyscope.hub.postgres.hub import PostgresHub
from replyscope.hub.postgres.opening import open_postgres
from replyscope.hub.postgres.reading import HubReader
from replyscope.hub.postgres.search import PostgresSearchIndex


def open_postgres_hub(url: str) -> PostgresHub:
    """The hub of a URL. Raises SettingsError."""
    return open_postgres(url, read_password, describe, os.environ)


async def read_hub(wiring: Wiring) -> tuple[Wiring, str]:
    """The parts of a run whose archive is the hub, which is read and never changed; and the name
    of the hub. The store must be open. Raises SettingsError without a hub that can be searched.
    """
    settings = read_settings(wiring.paths.settings).hub
    member = await log_of(wiring).membership()
    url = settings.url if member is None else member.url
    if url is None:
        raise SettingsError(
            "This archive takes part in no hub.",
            "Run `replyscope hub init URL`, or set url in [hub] of the settings.",
        )
    if not url.startswith(tuple(f"{scheme}:" for scheme in SCHEMES)):
        raise SettingsError(
            f"The hub {url} is a folder, which can't be searched.",
            "After a sync this archive has everything: leave out --hub.",
        )
    if settings.encrypt:
        warn("[hub] encrypt is set: encrypted replies are not found on the hub.")
    hub = open_postgres_hub(url)
    reader = HubReader(hub.address, read_password)
    return _wiring(wiring, reader), hub.address.shown


def _wiring(wiring: Wiring, reader: HubReader) -> Wiring:
    store: Any = PostgresArchive(reader)
    library: Any = PostgresLabels(reader)
    index: Any = PostgresSearchIndex(reader)
    clock = wiring.clock
    archive = Archive(store, clock, wiring.new_id, wiring.prices, translate_frames)
    review = Review(store, index, library, archive, clock, wiring.paths.kept_files)
    return replace(
        wiring, store=store, archive=archive, index=index, library=library, review=review
    )
