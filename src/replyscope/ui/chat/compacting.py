"""The command that compacts a conversation: a summary, shown for editing, begins a new branch."""

from replyscope.domain.exchange import Api
from replyscope.domain.model_names import ModelName
from replyscope.domain.printable import printable_line
from replyscope.engine.live_reply import Target
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.providers import ProviderCommands
from replyscope.ui.chat.sending import Sending
from replyscope.ui.dialogs.small import PickDialog

_SAME, _OTHER, _SERVER = "this model", "another model", "the server"
_NOTE = (
    "The summary is shown before it is used, and begins a new branch. The old branch stays: "
    "the keys [ and ] on the first message switch."
)
_DONE = "Compacted. At the first message: [[] old branch."


class Compacting:
    """The command /compact."""

    def __init__(self, desk: Desk, sending: Sending, providers: ProviderCommands) -> None:
        self._desk = desk
        self._sending = sending
        self._providers = providers

    def compact(self, model: str = "") -> None:
        """Continue from a summary by a model, by default one that is chosen in a dialog."""
        conversation = self._desk.conversation
        if self._desk.turns.is_running(conversation.session.id):
            self._desk.tell("Wait until the reply has ended.", is_error=False)
        elif not conversation.messages:
            self._desk.tell("There is nothing to compact yet.", is_error=False)
        elif model:
            self._summarise(self._desk.targets.find_model(model))
        else:
            self._desk.start_work(self._choose, group="pick", exclusive=True, holds_keys=True)

    async def _choose(self) -> None:
        from replyscope.engine.compaction import expected_cost  # loaded on first use

        desk = self._desk
        price = await expected_cost(desk.services.prices, desk.targets, desk.conversation)
        model = desk.targets.model_for(desk.conversation) or "the session's model"
        rows = [
            (_SAME, f"a summary by {printable_line(model)}: {price}"),
            (_OTHER, "a summary by a model of any provider"),
        ]
        endpoint = desk.targets.endpoint_of(desk.conversation)
        if endpoint is not None and endpoint.api is Api.RESPONSES:
            rows.append((_SERVER, "its own compaction: POST /responses/compact"))
        desk.ask_dialog(PickDialog("Compact the conversation", rows, note=_NOTE), self._take)

    def _take(self, choice: str) -> None:
        if choice == _SERVER:
            self._compact_at_server()
        elif choice == _OTHER:
            self._desk.start_work(self._choose_model, group="pick", holds_keys=True)
        else:
            self._summarise(None)

    async def _choose_model(self) -> None:
        def accept(name: ModelName | None) -> None:
            if name is not None:
                self._summarise(self._desk.targets.relative(name))

        self._desk.show(await self._providers.model_picker("Summary by", is_retry=True), accept)

    def _summarise(self, model: ModelName | None) -> None:
        from replyscope.engine.compaction import Compaction  # loaded on first use
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        desk, compaction = self._desk, Compaction(self._desk.conversation)

        async def start(target: Target) -> str | None:
            if model is not None:
                target = await desk.targets.named_target(target, model)
            text = await compaction.summarise(target)
            note = f"{compaction.price}. [Esc] keep the conversation"
            edited = await desk.ask(EditDialog("Summary that begins the new branch", text, note))
            if edited is None or not edited.strip():
                desk.tell("Not compacted.", is_error=False)
            else:
                await compaction.accept(edited)
                desk.tell(_DONE, is_error=False)
            return None

        self._sending.start_turn(desk.conversation, start, lambda: None)

    def _compact_at_server(self) -> None:
        from replyscope.engine.compaction import Compaction  # loaded on first use

        desk, compaction = self._desk, Compaction(self._desk.conversation)

        async def start(target: Target) -> str | None:
            await compaction.compact_at_server(target)
            await compaction.accept()
            desk.tell(f"{_DONE} {compaction.price}.", is_error=False)
            return None

        self._sending.start_turn(desk.conversation, start, lambda: None)
