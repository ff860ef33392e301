"""The groups of the review screen on a real store, without a screen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.screen import Screen

from replyscope.cli.parser import parse_chat
from replyscope.cli.services import build_services
from replyscope.config.paths import find_paths
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.search import Hit
from replyscope.domain.session import Session
from replyscope.ui.review.changes import Changes
from replyscope.ui.review.desk import ReviewDesk
from replyscope.ui.review.folders import Folder
from replyscope.ui.review.labelling import Labelling
from replyscope.ui.review.result_rows import Found
from replyscope.ui.review.saved_queries import SavedQueries
from replyscope.ui.review.sessions import ChosenSessions
from replyscope.ui.services import Services


@dataclass
class Host:
    """Runs work as tasks, keeps toasts, and answers each dialog with the next text."""

    toasts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    searches: int = 0

    def search_again(self) -> None:
        self.searches += 1

    def tell(self, error: ReplyscopeError | str, *, is_error: bool = True) -> None:
        self.toasts.append(str(error))

    def start_work(
        self,
        work: Callable[..., Coroutine[Any, Any, None]],
        *arguments: object,
        group: str = "default",
        exclusive: bool = False,
        holds_keys: bool = False,
    ) -> None:
        self.tasks.append(asyncio.create_task(work(*arguments)))

    def ask_dialog(self, dialog: Screen[str | None], accept: Callable[[str], object]) -> None:
        accept(self.answers.pop(0))

    async def finish(self) -> None:
        while self.tasks:
            await self.tasks.pop(0)


@dataclass
class Chosen:
    """A selection of sessions."""

    ids: list[str]
    current: Found | None = None
    unmarked: list[str] = field(default_factory=list)

    def chosen_sessions(self) -> list[str]:
        return self.ids

    def marked_replies(self) -> list[Hit]:
        return []

    def unmark_sessions(self, session_ids: Iterable[str]) -> None:
        self.unmarked += session_ids


@dataclass
class Groups:
    """A desk with its host and its selection."""

    host: Host
    desk: ReviewDesk
    changes: Changes
    chosen: Chosen

    def queries(self) -> dict[str, str]:
        """The saved queries by name."""
        return dict(self.desk.services.settings.queries)

    async def tags(self) -> dict[str, tuple[str, ...]]:
        """The tags of both sessions."""
        return {one.session_id: one.tags for one in await self.desk.services.labels.labels("ab")}


@asynccontextmanager
async def open_desk(
    tmp_path: Path, ids: list[str], query: str = "", running: Collection[str] = ()
) -> AsyncIterator[Groups]:
    """A desk over two sessions, a and b, of which `ids` are chosen, and `running` stream."""
    arguments = parse_chat([])
    assert arguments is not None
    services: Services = build_services(arguments, find_paths(str(tmp_path)))
    await services.open_store()
    try:
        for session_id in ("a", "b"):
            now = services.clock.now()
            session = Session(session_id, f"About {session_id}", now, now)
            await services.sessions.create_session(session)
        host, chosen = Host(), Chosen(ids)
        desk = ReviewDesk(services, host, chosen, lambda: query, running.__contains__)
        yield Groups(host, desk, Changes(desk, host.search_again), chosen)
    finally:
        await services.close()


async def test_a_pin_is_undone_and_searched_for_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, ["a"]) as groups:
        host, labels = groups.host, groups.desk.services.labels
        Labelling(groups.desk, groups.changes).pin()
        await host.finish()
        assert host.toasts == ["Pinned 1 session · [u] undo"]
        assert (await labels.labels(["a"]))[0].pinned_at_ms is not None
        groups.changes.undo()
        await host.finish()
        assert host.toasts[-1] == "Unpinned 1 session"
        assert (await labels.labels(["a"]))[0].pinned_at_ms is None
        assert (host.searches, groups.chosen.unmarked) == (2, [])


async def test_of_pinned_and_unpinned_sessions_only_the_unpinned_are_pinned(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, ["a", "b"]) as groups:
        labelling, toasts = Labelling(groups.desk, groups.changes), groups.host.toasts
        await groups.desk.review.pin(["a"])
        labelling.pin()
        await groups.host.finish()
        labelling.pin()
        await groups.host.finish()
        assert [toast.split(" ·")[0] for toast in toasts] == [
            "Pinned 1 session",
            "Unpinned 2 sessions",
        ]


async def test_an_edit_of_tags_adds_removes_and_renames(tmp_path: Path) -> None:
    async with open_desk(tmp_path, ["a", "b"]) as groups:
        labelling = Labelling(groups.desk, groups.changes)
        for text in ("fruit, #red", "-red", "fruit=food"):
            groups.host.answers = [text]
            labelling.tag()
            await groups.host.finish()
        assert await groups.tags() == {"a": ("food",), "b": ("food",)}
        assert groups.desk.known["tag"] == ("food",)


async def test_a_deleted_session_is_restored_where_the_query_lists_deleted_ones(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, ["a"], query="is:deleted") as groups:
        await groups.desk.review.delete(["a"])
        sessions = ChosenSessions(groups.desk, groups.changes, groups.host.search_again)
        sessions.delete()
        await groups.host.finish()
        assert groups.host.toasts == ["Restored 1 session · [u] undo"]
        assert await groups.desk.review.deleted() == ()


async def test_sessions_are_not_deleted_while_a_reply_streams_into_one(tmp_path: Path) -> None:
    async with open_desk(tmp_path, ["a", "b"], running=["b"]) as groups:
        sessions = ChosenSessions(groups.desk, groups.changes, groups.host.search_again)
        sessions.delete()
        await groups.host.finish()
        said = "A reply streams into one of these sessions. Nothing was deleted."
        assert groups.host.toasts == [f"{said} Stop it in the chat first."]
        assert await groups.desk.review.deleted() == ()
        assert groups.chosen.unmarked == []


async def test_a_purge_wants_the_number_typed(tmp_path: Path) -> None:
    async with open_desk(tmp_path, ["a"], query="is:deleted") as groups:
        host = groups.host
        await groups.desk.review.delete(["a"])
        sessions = ChosenSessions(groups.desk, groups.changes, host.search_again)
        host.answers = ["2", "1"]
        sessions.purge()
        await host.finish()
        assert host.toasts == ["Nothing was purged."]
        sessions.purge()
        await host.finish()
        assert host.toasts[-1].startswith("Permanently deleted 1 session with 0 replies.")
        assert await groups.desk.services.sessions.list_sessions() != ()
        assert await groups.desk.review.deleted() == ()


async def test_a_purge_is_refused_unless_the_query_lists_deleted_sessions(tmp_path: Path) -> None:
    async with open_desk(tmp_path, ["a"], query="apples") as groups:
        ChosenSessions(groups.desk, groups.changes, groups.host.search_again).purge()
        assert groups.host.toasts == [
            "Only deleted sessions can be purged. The query is:deleted lists them."
        ]


async def test_a_saved_query_is_removed_and_comes_back_by_undo(tmp_path: Path) -> None:
    async with open_desk(tmp_path, [], query="tag:fruit") as groups:
        saved, host = SavedQueries(groups.desk, groups.changes), groups.host
        host.answers = ["Fruit"]
        saved.save()
        await host.finish()
        saved.remove(Folder("Fruit", "tag:fruit", is_own=True))
        await host.finish()
        assert groups.queries() == {}
        groups.changes.undo()
        await host.finish()
        assert groups.queries() == {"Fruit": "tag:fruit"}
        assert host.toasts[-1] == "Restored the folder Fruit · 1 more to undo"


async def test_nothing_chosen_and_nothing_to_undo_are_reported(tmp_path: Path) -> None:
    async with open_desk(tmp_path, []) as groups:
        ChosenSessions(groups.desk, groups.changes, groups.host.search_again).delete()
        groups.changes.undo()
        await groups.host.finish()
        assert groups.host.toasts == [
            "No reply is marked or selected.",
            "There is nothing to undo.",
        ]
