"""The commands that fetch, cancel and delete replies stored by providers."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.ports import StoredReplies
from replyscope.domain.printable import printable_line
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.sessions import Sessions
from replyscope.ui.dialogs.small import LineDialog, PickDialog

_ASKS = ("metadata", "delete")
"""The commands that open a dialog."""


class ProviderReplies:
    """Commands of stored replies. A fetched reply becomes a session."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def show_remote(self) -> None:
        """Show the index of stored replies."""
        self._desk.start_work(self._show_remote, group="remote", exclusive=True, holds_keys=True)

    async def _show_remote(self) -> None:
        from replyscope.ui.chat.stored_replies_dialog import RemoteScreen  # loaded on first use

        try:
            replies = await self._desk.services.remote.list()
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._desk.show(RemoteScreen(tuple(one for one in replies if one.may_be_stored)))

    def answer(self, what: str, response_id: str) -> None:
        """Fetch, cancel, delete or describe a stored reply, as the person chose."""
        self._desk.start_work(
            self._do_remote, what, response_id, group="remote", holds_keys=what in _ASKS
        )

    async def _do_remote(self, what: str, response_id: str) -> None:
        remote = self._desk.services.remote
        name = printable_line(response_id)
        try:
            provider = await self._provider_of(response_id)
            if provider is None:
                self._desk.tell("Choose a provider first (/provider).", is_error=False)
            elif what == "fetch":
                self._desk.tell(f"Fetching {name} …", is_error=False)
                self._sessions.open_session(await remote.fetch(provider, response_id))
            elif what == "cancel":
                status = await remote.cancel(provider, response_id)
                self._desk.tell(f"{name} is {status}", is_error=False)
            elif what == "metadata":
                await self._edit_metadata(provider, response_id)
            elif await self._confirms(f"Delete {name} at the provider?"):
                await remote.delete(provider, response_id)
                self._desk.tell(f"{name} is deleted at the provider", is_error=False)
        except ReplyscopeError as error:
            self._desk.tell(error)

    async def _edit_metadata(self, provider: StoredReplies, response_id: str) -> None:
        title = "Metadata: NAME=VALUE, separated by commas. It replaces the current metadata."
        typed = await self._desk.ask(LineDialog(title))
        if typed is None:
            return
        pairs = dict(pair.partition("=")[::2] for pair in typed.split(",") if "=" in pair)
        metadata = {name.strip(): value.strip() for name, value in pairs.items() if name.strip()}
        await self._desk.services.remote.set_metadata(provider, response_id, metadata)
        self._desk.tell(f"{printable_line(response_id)} has new metadata", is_error=False)

    async def _confirms(self, question: str) -> bool:
        rows = [("keep", "do not delete it"), ("delete", "it cannot be restored")]
        return await self._desk.ask(PickDialog(question, rows)) == "delete"

    async def _provider_of(self, response_id: str) -> StoredReplies | None:
        """The provider of an id in the index, if the settings still have it."""
        endpoint = self._desk.targets.endpoint
        for reply in await self._desk.services.remote.list():
            named = self._desk.services.settings.endpoint(reply.endpoint)
            if reply.response_id == response_id and named is not None:
                endpoint = named if named.public_url == reply.base_url else endpoint
        if endpoint is None:
            return None
        return (await self._desk.services.open_provider(endpoint)).stored
