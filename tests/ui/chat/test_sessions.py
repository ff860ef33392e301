"""Sessions, providers and stored replies on a desk, without a terminal."""

import json
from pathlib import Path

from replyscope.domain.exchange import Api
from tests.support.server import Answer as ServerAnswer
from tests.support.server import LoopbackServer
from tests.ui.chat.bench import Bench, on_bench


async def test_the_draft_is_kept_with_its_session(server: LoopbackServer, tmp_path: Path) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        first = bench.desk.conversation.session.id
        bench.editor.replace_text("half a thought")
        bench.sessions.new_session()
        await bench.host.quiet()
        assert bench.editor.text == ""
        stored = await bench.desk.archive.open(first)
        assert stored.session.draft == "half a thought"
        bench.sessions.open_session(first)
        await bench.host.quiet()
        assert bench.editor.text == "half a thought"


async def test_a_deleted_session_comes_back_by_undo(server: LoopbackServer, tmp_path: Path) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        await bench.say("hi")
        session_id = bench.desk.conversation.session.id
        bench.sessions.delete_session()
        await bench.host.quiet()
        assert bench.desk.conversation.session.id != session_id
        assert len(bench.desk.services.undo) == 1
        bench.sessions.undo()
        await bench.host.quiet()
        assert bench.desk.conversation.session.id == session_id


async def test_a_private_session_is_not_lost_without_a_warning(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.sessions.private_session()
        await bench.say("hi")
        assert not await bench.sessions.may_leave()
        assert "private, and gone for good" in bench.told[-1]
        assert await bench.sessions.may_leave()


async def test_a_model_by_its_name_is_used_for_the_next_message(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.providers.choose_model("small-model")
        await bench.say("hi")
        assert server.requests[-1]["model"] == "small-model"


async def test_the_wire_api_is_chosen_by_name_or_in_a_dialog(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.providers.choose_api("responses")
        assert _api_of(bench) is Api.RESPONSES
        bench.answer("chat")
        bench.providers.choose_api()
        assert _api_of(bench) is Api.CHAT


def _api_of(bench: Bench) -> Api | None:
    endpoint = bench.desk.targets.endpoint
    return endpoint.api if endpoint is not None else None


async def test_a_schema_that_is_no_file_changes_nothing(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, server.base_url) as bench:
        bench.providers.use_schema("absent.json")
        assert bench.desk.conversation.session.settings.schema is None
        assert "absent.json" in bench.told[-1]


async def test_stored_replies_are_listed_and_need_a_provider(
    server: LoopbackServer, tmp_path: Path
) -> None:
    async with on_bench(tmp_path, None) as bench:
        bench.stored_replies.show_remote()
        await bench.host.quiet()
        assert type(bench.host.app.dialogs[-1]).__name__ == "RemoteScreen"
        bench.stored_replies.answer("fetch", "resp_7")
        await bench.host.quiet()
        assert bench.told == ["Choose a provider first (/provider)."]


async def test_a_stored_reply_is_deleted_only_after_a_yes(
    server: LoopbackServer, tmp_path: Path
) -> None:
    gone = {"id": "chatcmpl-7", "object": "chat.completion.deleted", "deleted": True}
    server.routes["DELETE", "/chat/completions/chatcmpl-7"] = ServerAnswer(
        content_type="application/json", chunks=[json.dumps(gone).encode()]
    )
    async with on_bench(tmp_path, server.base_url) as bench:
        for answer in ("keep", "delete"):
            bench.answer(answer)
            bench.stored_replies.answer("delete", "chatcmpl-7")
            await bench.host.quiet()
        assert bench.told == ["chatcmpl-7 is deleted at the provider"]
