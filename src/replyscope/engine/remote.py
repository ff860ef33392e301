"""Replies that providers store: listing, fetching, cancelling and deleting them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from replyscope.domain.errors import ProviderError
from replyscope.domain.message import Message, ReplySource, Role
from replyscope.domain.ports import Clock, NewId, PrivateStore, Store, StoredReplies
from replyscope.domain.remote import FetchedReply, RemoteReply, RemoteState
from replyscope.domain.session import Session, SessionSettings, title_from

_LONGEST_CHAIN = 100


class RemoteReplies:
    """The local index of remote replies, and the actions on them.

    The replies of private sessions are in the private store only.
    """

    def __init__(
        self, store: Store, clock: Clock, new_id: NewId, private: PrivateStore | None = None
    ) -> None:
        self._store = store
        self._private = private
        self._clock = clock
        self._new_id = new_id

    async def list(self) -> tuple[RemoteReply, ...]:
        """Every known remote reply, newest first."""
        seen = [*await self._store.list_remote(), *await self._list_private()]
        return tuple(sorted(seen, key=lambda reply: reply.seen_at, reverse=True))

    async def _list_private(self) -> tuple[RemoteReply, ...]:
        if self._private is None or self._private.is_empty:
            return ()
        return await self._private.list_remote()

    async def _store_of(self, response_id: str) -> Store:
        private = {reply.response_id for reply in await self._list_private()}
        return self._private if self._private and response_id in private else self._store

    async def fetch(self, provider: StoredReplies, response_id: str) -> str:
        """Fetch a reply, its input and the replies before it into a new session. Returns its id.

        The session of a private reply is private. Raises ProviderError, StoreError.
        """
        store = await self._store_of(response_id)
        chain = [await self._fetch(provider, response_id, store)]
        while len(chain) < _LONGEST_CHAIN and (before := chain[0].exchange.previous_response_id):
            try:
                chain.insert(0, await self._fetch(provider, before, store))
            except ProviderError:
                break  # the beginning has expired; the rest is still useful
        return await self._save(chain, store)

    async def _fetch(self, provider: StoredReplies, response_id: str, store: Store) -> FetchedReply:
        try:
            fetched = await provider.fetch(response_id)
        except ProviderError as error:
            if error.failure.kind == "expired":
                await store.set_remote_state(response_id, RemoteState.EXPIRED)
            raise
        await store.set_remote_state(response_id, RemoteState.KEPT)
        return fetched

    async def cancel(self, provider: StoredReplies, response_id: str) -> str:
        """Cancel a background reply at the server. Returns its new status."""
        return await provider.cancel(response_id)

    async def set_metadata(
        self, provider: StoredReplies, response_id: str, metadata: Mapping[str, str]
    ) -> None:
        """Replace a stored completion's metadata. Raises ProviderError."""
        await provider.set_metadata(response_id, metadata)

    async def delete(self, provider: StoredReplies, response_id: str) -> None:
        """Delete a reply at the provider; the local session is kept."""
        await provider.delete(response_id)
        store = await self._store_of(response_id)
        await store.set_remote_state(response_id, RemoteState.DELETED)

    async def _save(self, chain: Sequence[FetchedReply], store: Store) -> str:
        now = self._clock.now()
        newest = chain[-1].exchange
        settings = SessionSettings(endpoint=newest.endpoint, model=newest.model)
        session = Session(self._new_id(), "Fetched reply", now, now, settings)
        await store.create_session(session)
        parent: str | None = None
        seen: set[str] = set()
        title = ""
        for fetched in chain:
            for said in fetched.inputs:
                if said.item_id is not None and said.item_id in seen:
                    continue  # the input of a later reply repeats the earlier input
                seen.add(said.item_id or "")
                message = Message(self._new_id(), said.role, said.parts, now, parent)
                await store.add_message(session.id, message)
                parent = message.id
                if said.role is Role.USER:
                    title = title or title_from(message.text)
            parent = await self._save_reply(store, session.id, fetched, parent)
        stored = await store.load_session(session.id)
        named = replace(stored.session, title=title or session.title)
        await store.update_session(named, stored.session)
        return session.id

    async def _save_reply(
        self, store: Store, session_id: str, fetched: FetchedReply, parent: str | None
    ) -> str:
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
        journal = await store.begin_exchange(session_id, messages, exchange)
        await journal.finish(exchange)
        return messages[0].id
