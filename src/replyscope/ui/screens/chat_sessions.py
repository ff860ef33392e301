"""Sessions: new, open, rename, delete, undo; and where their messages go."""

from collections.abc import Iterable
from dataclasses import replace

from textual import on
from textual.timer import Timer

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.inspection.figures import count
from replyscope.ui import collecting
from replyscope.ui.screens.chat_branches import BranchActions
from replyscope.ui.screens.chat_replies import TargetWanted
from replyscope.ui.screens.dialogs import LineDialog, ParametersDialog, PickDialog
from replyscope.ui.screens.first_run import FirstRun
from replyscope.ui.screens.install import InstallScreen
from replyscope.ui.ways import Choice, Way
from replyscope.ui.widgets.composer import Composer
from replyscope.ui.widgets.sidebar import Sidebar

_DRAFT_S = 0.8


class SessionActions(BranchActions):
    """What a person does with sessions, models and parameters."""

    _draft_timer: Timer | None = None

    def action_new_session(self) -> None:
        """Start a new session with the present one's system prompt and parameters."""
        self.start_work(self._new_session, group="open", exclusive=True)

    async def _leave(self) -> None:
        """Keep what is written here before another session is shown."""
        self.pending.keep_written(self.conversation.session.id, self.composer.text)
        await self.save_draft()

    async def _new_session(self) -> None:
        await self._leave()
        old = self.conversation.session.settings
        settings = SessionSettings(model=old.model, system=old.system, parameters=old.parameters)
        self.show_conversation(self.archive.new(settings))
        self.composer.focus()
        await self.draw_sidebar()

    def open_session(self, session_id: str) -> None:
        """Show a session."""
        self.start_work(self._open_session, session_id, group="open", exclusive=True)

    async def _open_session(self, session_id: str) -> None:
        await self._leave()
        try:
            conversation = await self.archive.open(session_id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.show_conversation(conversation)
        if conversation.is_streaming:
            self.start_drawing()
        self.composer.focus()
        await self.draw_sidebar()

    @on(Sidebar.Opened)
    def _on_opened(self, event: Sidebar.Opened) -> None:
        self.open_session(event.session_id)

    @on(Sidebar.Asked)
    def _on_asked(self, event: Sidebar.Asked) -> None:
        session_id = event.session_id or self.conversation.session.id
        match event.what:
            case "new":
                self.action_new_session()
            case "rename":
                self._rename(session_id)
            case "delete":
                self._delete(session_id)
            case "undo":
                self.action_undo_delete()

    def action_rename_session(self, title: str = "") -> None:
        """Give the open session a title."""
        if title:
            self.start_work(self._apply_title, self.conversation.session.id, title)
        else:
            self._rename(self.conversation.session.id)

    def _rename(self, session_id: str) -> None:
        is_open = session_id == self.conversation.session.id
        start = self.conversation.session.title if is_open else ""
        self.ask_dialog(
            LineDialog("Title of this session", start),
            lambda title: self.start_work(self._apply_title, session_id, title),
        )

    async def _apply_title(self, session_id: str, title: str) -> None:
        try:
            await self.archive.rename(session_id, title)
        except ReplyscopeError as error:
            self.tell(error)
        await self.draw_sidebar()

    def action_delete_session(self) -> None:
        """Delete the open session; undo brings it back."""
        self._delete(self.conversation.session.id)

    def _delete(self, session_id: str) -> None:
        self.start_work(self._delete_now, session_id, group="open", exclusive=True)

    async def _delete_now(self, session_id: str) -> None:
        if self.turns.is_running(session_id):
            self.tell("A reply streams into this session. Stop it first (Esc).")
            return
        try:
            if not (session_id == self.conversation.session.id and self.conversation.is_new):
                await self.archive.delete(session_id)
                self.deleted.append(session_id)
                self.tell("Session deleted. /undo brings it back.", is_error=False)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if session_id == self.conversation.session.id:
            self.show_conversation(self.archive.new(SessionSettings()))
        await self.draw_sidebar()

    def action_undo_delete(self) -> None:
        """Bring the last deleted session back."""
        if not self.deleted:
            self.tell("Nothing was deleted since the start.", is_error=False)
            return
        self.start_work(self._restore, self.deleted.pop(), group="open", exclusive=True)

    async def _restore(self, session_id: str) -> None:
        try:
            await self.archive.restore(session_id)
        except ReplyscopeError as error:
            self.tell(error)
            return
        await self._open_session(session_id)

    @on(Composer.Changed)
    def _save_draft_soon(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(
            _DRAFT_S, lambda: self.start_work(self.save_draft, group="draft")
        )

    async def save_draft(self) -> None:
        """Keep what is written, queued or about to be sent, with its session."""
        await self._save_draft_of(self.conversation, self.composer.text)

    async def save_queued(self, conversations: Iterable[Conversation]) -> None:
        """Keep what is queued in sessions that are not shown."""
        for conversation in conversations:
            if conversation is not self.conversation:
                written = self.pending.take_written(conversation.session.id) or ""
                await self._save_draft_of(conversation, written)

    async def _save_draft_of(self, conversation: Conversation, written: str) -> None:
        unsent = self.pending.unsent(conversation.session.id, conversation.messages)
        draft = "\n\n".join(filter(None, (unsent, written)))
        if draft == conversation.session.draft or len(draft) > 1_000_000:
            return
        conversation.session = replace(conversation.session, draft=draft)
        try:
            await conversation.save_head()
        except ReplyscopeError as error:
            self.tell(error)

    def action_edit_parameters(self) -> None:
        """Edit the system prompt and the parameters of this session."""
        conversation = self.conversation
        settings = conversation.session.settings

        def accept(result: tuple[str | None, Parameters] | None) -> None:
            if result is None:
                return
            changed = replace(settings, system=result[0], parameters=result[1])
            conversation.session = replace(conversation.session, settings=changed)
            if not conversation.is_new:
                self.start_work(self._save_settings)
            self.tell("Used from the next message on", is_error=False)

        self.app.push_screen(ParametersDialog(settings.system, settings.parameters), accept)

    async def _save_settings(self) -> None:
        try:
            await self.conversation.save_head()
        except ReplyscopeError as error:
            self.tell(error)

    def action_choose_model(self, name: str = "") -> None:
        """Choose among the server's models, or take a name."""
        if name:
            self._use_model(name)
        elif self.targets.endpoint is None:
            self.action_choose_provider()
        else:
            self.start_work(self._pick_model, group="models", exclusive=True)

    async def _pick_model(self) -> None:
        note = ""
        try:
            await self.targets.load_models()
        except ReplyscopeError as error:
            note = f"The server's list did not come: {error}"
        rows = [
            (m.id, f"{count(m.context_window)} tokens" if m.context_window else m.owner or "")
            for m in self.targets.models
        ]
        current = self.targets.model_for(self.conversation)
        title = f"Model of {self.targets.endpoint.name}" if self.targets.endpoint else "Model"
        dialog = PickDialog(title, rows, current=current, is_free=True, note=note)
        self.ask_dialog(dialog, self._use_model)

    def _use_model(self, name: str) -> None:
        endpoint = self.targets.endpoint
        if endpoint is not None and endpoint.name == "local":
            self.start_local(name, is_kept=self.services.settings.provider == "local")
            return
        settings = replace(self.conversation.session.settings, model=name)
        self.conversation.session = replace(self.conversation.session, settings=settings)
        if not self.conversation.is_new:
            self.start_work(self._save_settings)
        if endpoint is not None:
            self.targets.endpoint = replace(endpoint, model=name)
        self._remember_model(name)
        self.draw_status()

    def _remember_model(self, name: str) -> None:
        """Start with this model next time, where the provider stands in the settings."""
        endpoint = self.targets.endpoint
        if endpoint is None or self.services.settings.endpoint(endpoint.name) is None:
            return
        try:
            self.services.change_settings({("providers", endpoint.name, "model"): name})
        except ReplyscopeError as error:
            self.tell(error)

    @on(TargetWanted)
    def _ask_for_target(self) -> None:
        if self.targets.endpoint is None:
            self.action_choose_provider()
        else:
            self.tell("Choose a model first; your message is still here.", is_error=False)
            self.action_choose_model()

    def action_choose_provider(self) -> None:
        """Choose a key, a server or the embedded model."""
        names = tuple(endpoint.name for endpoint in self.services.settings.endpoints)
        screen = FirstRun(self.services.local, self.services.find_servers, names)
        self.app.push_screen(screen, self._take_choice)

    def _take_choice(self, choice: Choice | None) -> None:
        if choice is None:
            return
        if choice.way is Way.LOCAL:
            self.start_local(choice.value, is_kept=True)
            return
        self.start_work(self._use_choice, choice)

    async def _use_choice(self, choice: Choice) -> None:
        try:
            note = await self.targets.take(choice)
        except ReplyscopeError as error:
            self.tell(error)
            return
        if note is not None:
            self.tell(note, is_error=False)
        await self._learn_models()
        if self.targets.model_for(self.conversation) is None:
            self.action_choose_model()

    def start_local(self, name: str, *, is_kept: bool = False) -> None:
        """Install where needed and start the embedded model; `is_kept` for later starts."""

        def accept(endpoint: Endpoint | None) -> None:
            if endpoint is None:
                return
            self.targets.use(endpoint)
            self.start_work(self._learn_models, group="models", exclusive=True)
            if is_kept:
                self._keep_local(name)
            self.draw_status()
            self.composer.focus()

        self.app.push_screen(InstallScreen(self.services.local, name), accept)

    def _keep_local(self, name: str) -> None:
        try:
            self.services.change_settings({("provider",): "local", ("local_model",): name})
        except ReplyscopeError as error:
            self.tell(error)

    async def _learn_models(self) -> None:
        """Load the SDK and the model list while the person reads; failures can wait."""
        try:
            await self.targets.load_models()
        except ReplyscopeError as error:
            self.log.info(str(error))
            return
        collecting.settle()  # the SDK is loaded now, and stays
        self.draw_status()
