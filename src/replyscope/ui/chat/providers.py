"""Where messages go and what is asked beside them: provider, API, model, parameters."""

from dataclasses import replace
from pathlib import Path

from textual import on

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.engine.schemas import read_schema
from replyscope.inspection.figures import count
from replyscope.ui.chat.branches import BranchActions
from replyscope.ui.chat.first_run import FirstRun
from replyscope.ui.chat.install import InstallScreen
from replyscope.ui.chat.parameters import ParametersDialog
from replyscope.ui.chat.provider_choice import ProviderChoice, ProviderKind
from replyscope.ui.chat.sending import TargetWanted
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.terminal import garbage


class TargetActions(BranchActions):
    """What a person does with providers, models and parameters."""

    def action_edit_parameters(self) -> None:
        """Edit the system prompt and the parameters of this session."""
        conversation = self.conversation
        settings = conversation.session.settings

        def accept(result: tuple[str | None, Parameters] | None) -> None:
            if result is None:
                return
            changed = replace(settings, system=result[0], parameters=result[1])
            self.apply_settings(conversation, changed)
            self.tell("Used from the next message on", is_error=False)

        self.app.push_screen(ParametersDialog(settings.system, settings.parameters), accept)

    def apply_settings(self, conversation: Conversation, settings: SessionSettings) -> None:
        """Change the settings of a session, and save them unless the session is new."""
        conversation.change_settings(settings)
        if not conversation.is_new:
            self.start_work(self._save_settings, conversation)

    async def _save_settings(self, conversation: Conversation) -> None:
        try:
            await conversation.save_head()
        except ReplyscopeError as error:
            self.tell(error)

    def action_choose_api(self, name: str = "") -> None:
        """Speak the other wire API with this provider, from the next message on."""
        endpoint = self.targets.endpoint
        if endpoint is None:
            self.action_choose_provider()
        elif name in (*Api,):
            self._use_api(endpoint, Api(name))
        else:
            rows = [("chat", "/v1/chat/completions"), ("responses", "/v1/responses")]
            dialog = PickDialog("Wire API", rows, current=endpoint.api.value)
            self.ask_dialog(dialog, self.action_choose_api)

    def _use_api(self, endpoint: Endpoint, api: Api) -> None:
        self.targets.endpoint = replace(endpoint, api=api)
        is_known = self.services.settings.endpoint(endpoint.name) is not None
        if is_known and not self.conversation.is_private:
            try:
                self.services.change_settings({("providers", endpoint.name, "api"): api.value})
            except ReplyscopeError as error:
                self.tell(error)
        self.draw_status()

    def action_use_schema(self, path: str = "") -> None:
        """Ask for replies that fit the JSON schema of a file; `off` asks for any."""
        if not path:
            dialog = LineDialog("JSON schema that replies have to fit (a file, or off)")
            self.ask_dialog(dialog, self.action_use_schema)
            return
        conversation = self.conversation
        try:
            file = self.services.working_folder / Path(path).expanduser()
            schema = None if path == "off" else read_schema(file)
        except ReplyscopeError as error:
            self.tell(error)
            return
        settings = replace(conversation.session.settings, schema=schema)
        self.apply_settings(conversation, settings)
        self.tell(f"schema: {schema.name if schema else 'off'}", is_error=False)

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
        self.apply_settings(self.conversation, settings)
        if endpoint is not None:
            self.targets.endpoint = replace(endpoint, model=name)
        self._remember_model(name)
        self.draw_status()

    def _remember_model(self, name: str) -> None:
        """Start with this model next time, where the provider stands in the settings."""
        endpoint = self.targets.endpoint
        if endpoint is None or self.services.settings.endpoint(endpoint.name) is None:
            return
        if self.conversation.is_private:
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

    def _take_choice(self, choice: ProviderChoice | None) -> None:
        if choice is None:
            return
        if choice.way is ProviderKind.LOCAL:
            self.start_local(choice.value, is_kept=True)
            return
        self.start_work(self._use_choice, choice)

    async def _use_choice(self, choice: ProviderChoice) -> None:
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
            api = self.services.api or endpoint.api
            self.targets.use(replace(endpoint, api=api))
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
        garbage.settle()  # the SDK is loaded now, and stays
        self.draw_status()
        await self.targets.learn_window(self.targets.model_for(self.conversation))
        self.draw_status()
