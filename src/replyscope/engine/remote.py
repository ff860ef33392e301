"""Replies that providers keep, brought into sessions of this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from replyscope.domain.errors import ProviderError
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.ports import Clock, NewId, Store, StoredReplies
from replyscope.domain.remote import FetchedReply, RemoteReply, RemoteState
from replyscope.domain.session import Session, SessionSettings, title_from

_LONGEST_CHAIN = 100


class RemoteReplies:
    """The local index of every id that was seen, and what can be done with them."""

    def __init__(self, store: Store, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    async def list(self) -> tuple[RemoteReply, ...]:
        """Every id that was seen, newest first."""
        return await self._store.list_remote()

    async def fetch(self, provider: StoredReplies, response_id: str) -> str:
        """Bring a reply, its input and the replies before it into a new session; its id.

        Raises ProviderError, StoreError.
        """
        chain = [await self._fetch(provider, response_id)]
        while len(chain) < _LONGEST_CHAIN and (before := chain[0].exchange.previous_response_id):
            try:
                chain.insert(0, await self._fetch(provider, before))
            except ProviderError:
                break  # the beginning has expired; what is left is worth having
        return await self._save(chain)

    async def _fetch(self, provider: StoredReplies, response_id: str) -> FetchedReply:
        try:
            fetched = await provider.fetch(response_id)
        except ProviderError as error:
            if error.failure.kind == "expired":
                await self._store.set_remote_state(response_id, RemoteState.EXPIRED)
            raise
        await self._store.set_remote_state(response_id, RemoteState.KEPT)
        return fetched

    async def cancel(self, provider: StoredReplies, response_id: str) -> str:
        """Stop a reply that the server works on in the background; its status then."""
        return await provider.cancel(response_id)

    async def set_metadata(
        self, provider: StoredReplies, response_id: str, metadata: Mapping[str, str]
    ) -> None:
        """Replace a stored completion's metadata. Raises ProviderError."""
        await provider.set_metadata(response_id, metadata)

    async def delete(self, provider: StoredReplies, response_id: str) -> None:
        """Make the provider forget a reply; what is saved here stays."""
        await provider.delete(response_id)
        await self._store.set_remote_state(response_id, RemoteState.DELETED)

    async def _save(self, chain: Sequence[FetchedReply]) -> str:
        now = self._clock.now()
        newest = chain[-1].exchange
        settings = SessionSettings(endpoint=newest.endpoint, model=newest.model)
        session = Session(self._new_id(), "Fetched reply", now, now, settings)
        await self._store.create_session(session)
        parent: str | None = None
        seen: set[str] = set()
        title = ""
        for fetched in chain:
            for said in fetched.inputs:
                if said.item_id is not None and said.item_id in seen:
                    continue  # the input of a later reply repeats that of the earlier ones
                seen.add(said.item_id or "")
                message = Message(self._new_id(), said.role, said.parts, now, parent)
                await self._store.add_message(session.id, message)
                parent = message.id
                if said.role is Role.USER:
                    title = title or title_from(message.text)
            parent = await self._save_reply(session.id, fetched, parent)
        stored = await self._store.load_session(session.id)
        named = replace(stored.session, title=title or session.title)
        await self._store.update_session(named, stored.session)
        return session.id

    async def _save_reply(self, session_id: str, fetched: FetchedReply, parent: str | None) -> str:
        exchange = replace(fetched.exchange, id=self._new_id())
        messages = [
            Message(
                self._new_id(),
                Role.ASSISTANT,
                (),
                exchange.started_at,
                parent,
                (ReplySource(exchange.id, choice.index),),
            )
            for choice in exchange.choices
        ]
        journal = await self._store.begin_exchange(session_id, messages, exchange)
        await journal.finish(exchange)
        return messages[0].id
