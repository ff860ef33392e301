"""Builds the services of a review screen that reads the hub."""

from dataclasses import replace
from functools import partial

from replyscope.cli.hub_opening import load_postgres
from replyscope.cli.sharing import export_exchange, export_to_file
from replyscope.cli.wiring import Wiring
from replyscope.domain.errors import ReplyscopeError
from replyscope.ui.services import Services


async def open_hub_review(services: Services, wiring: Wiring) -> Services:
    """The services of a review screen that reads the hub. Raises SettingsError, StoreError."""
    hub_postgres = load_postgres("replyscope.cli.hub_postgres")
    hub, name = await hub_postgres.read_hub(wiring)
    await hub.index.stamp()  # a hub that can't be reached is named before the screen opens
    close = services.close

    async def close_all() -> None:
        await hub.store.close()
        await close()

    async def is_here(session_id: str) -> bool:
        try:
            await wiring.store.session_stamp(session_id)
        except ReplyscopeError:
            return False
        return True

    services.close = close_all
    return replace(
        services,
        archive=hub.archive,
        sessions=hub.store,
        review=hub.review,
        index=hub.index,
        labels=hub.library,
        export=partial(export_to_file, hub),
        export_exchange=partial(export_exchange, hub),
        hub_name=name,
        is_here=is_here,
    )
