"""The commands of providers: the server, the wire API, the model and the parameters."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError, SettingsError, StoreError
from replyscope.domain.exchange import SENDABLE, Api
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.session import Parameters
from replyscope.domain.typed_path import typed_path
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind, known_providers
from replyscope.engine.targets import Targets
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog
from replyscope.ui.terminal import garbage

if TYPE_CHECKING:
    from replyscope.engine.model_choices import ModelChoices
    from replyscope.ui.chat.local_model import LocalModelCommands
    from replyscope.ui.chat.model_picker import ModelPicker

_OPENS_AFTER_S = 0.1
_log = logging.getLogger(__name__)


class ProviderCommands:
    """Commands of providers, models and parameters."""

    def __init__(self, desk: Desk, view: ChatView) -> None:
        self._desk = desk
        self._view = view
        self._sends_after = False
        """Whether the text of the composer is sent after the choice."""
        self._waits_for_writing = False
        """Whether the model list loads when a person starts to write."""
        self._start = garbage.Start()
        self.send_written: Callable[[], None] | None = None
        """Sends the text of the composer."""

    @cached_property
    def _choices(self) -> "ModelChoices":
        from replyscope.engine.model_choices import ModelChoices  # loaded on first use

        return ModelChoices(self._desk.targets, self._desk.services)

    @cached_property
    def local(self) -> "LocalModelCommands":
        """The commands of the embedded model."""
        from replyscope.ui.chat.local_model import LocalModelCommands  # loaded on first use

        return LocalModelCommands(self._desk, self._view, self.learn_models)

    def edit_system(self, text: str = "") -> None:
        """Replace the system prompt of this session, or edit it in a dialog; `off` removes it."""
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        conversation = self._desk.conversation

        def accept(text: str) -> None:
            settings = conversation.session.settings
            self._desk.apply_settings(conversation, replace(settings, system=text.strip() or None))
            self._desk.tell("Applies from the next message.", is_error=False)

        if text:
            accept("" if text == "off" else text)
            return
        system = conversation.session.settings.system or ""
        self._desk.ask_dialog(EditDialog("System prompt", system), accept)

    def edit_parameters(self) -> None:
        """Show and set the parameters of this session."""
        self._desk.start_work(self._show_parameters, group="pick", exclusive=True, holds_keys=True)

    async def _show_parameters(self) -> None:
        from replyscope.ui.chat.parameters import (  # loaded on first use
            ParametersDialog,
            ParameterSource,
        )

        desk, conversation = self._desk, self._desk.conversation

        def apply(changed: Parameters) -> None:
            settings = replace(conversation.session.settings, parameters=changed)
            desk.apply_settings(conversation, settings)

        endpoint = desk.targets.endpoint
        model = desk.targets.model_for(conversation)
        known: Mapping[str, str] = {}
        if endpoint is not None and model is not None:
            known = await desk.services.recall(endpoint.public_url, model)

        async def forget(names: Sequence[str]) -> None:
            if endpoint is not None and model is not None:
                await desk.services.forget(endpoint.public_url, model, names)

        exchange = desk.last_exchange()
        source = ParameterSource(
            await asyncio.to_thread(desk.services.load_catalogue),
            desk.targets.parameter_layers(conversation)[:-1],
            endpoint,
            known,
            exchange.adaptations if exchange is not None else (),
            forget,
        )
        own = conversation.session.settings.parameters
        desk.show(ParametersDialog(own, source, apply))

    def choose_api(self, name: str = "") -> None:
        """Switch between Chat and Responses for this provider, from the next message."""
        endpoint = self._desk.targets.endpoint
        if endpoint is None:
            self.choose_provider()
        elif name in SENDABLE:
            conversation = self._desk.conversation
            self._change_target(lambda targets: targets.use_api(conversation, Api(name)))
            self._view.draw_status()
        else:
            rows = [("chat", "/v1/chat/completions"), ("responses", "/v1/responses")]
            dialog = PickDialog(
                "Switch between Chat and Responses", rows, current=endpoint.api.value
            )
            self._desk.ask_dialog(dialog, self.choose_api)

    def use_schema(self, path: str = "") -> None:
        """Request replies that match the JSON schema of a file; `off` removes the schema."""
        from replyscope.engine.schemas import read_schema  # loaded on first use

        if not path:
            dialog = LineDialog("JSON schema of the replies (a file, or off)")
            self._desk.ask_dialog(dialog, self.use_schema)
            return
        conversation = self._desk.conversation
        try:
            file = self._desk.services.working_folder / typed_path(path)
            schema = None if path == "off" else read_schema(file)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        settings = replace(conversation.session.settings, schema=schema)
        self._desk.apply_settings(conversation, settings)
        self._desk.tell(f"schema: {schema.name if schema else 'off'}", is_error=False)

    def choose_model(self, name: str = "") -> None:
        """Choose a model of any provider, or a model by its name or alias."""
        if name:
            self._use_model(name)
        elif self._desk.targets.endpoint is None:
            self.choose_provider()
        else:
            self._desk.start_work(self._pick_model, group="pick", exclusive=True, holds_keys=True)

    async def _pick_model(self) -> None:
        picker = await self.model_picker("Choose a model")
        self._desk.show(picker, self._take_model)

    async def model_picker(self, title: str, *, is_retry: bool = False) -> "ModelPicker":
        """A picker of the models of all providers. A server that does not answer at once does
        not hold it up.
        """
        from replyscope.ui.chat.model_picker import ModelPicker, ModelSource  # loaded on first use

        desk, targets = self._desk, self._desk.targets
        if not targets.models:
            with suppress(ReplyscopeError, TimeoutError):  # the picker shows errors, and loads it
                await asyncio.wait_for(targets.load_models(), _OPENS_AFTER_S)
        recent = await desk.services.recent_models()

        async def load(changed: Callable[[], None], again: bool) -> None:
            known = targets.endpoints  # the first is in use: its list may have changed
            await targets.lists.load_all(known, changed, known if again else known[:1])

        source = ModelSource(
            partial(self._choices.known, recent, is_retry=is_retry),
            load,
            self._toggle_favourite,
            targets.model_name(desk.conversation),
        )
        return ModelPicker(title, source)

    def _toggle_favourite(self, name: ModelName) -> None:
        """Add a model to the favourites of the settings, or remove it."""
        is_saved = not self._desk.conversation.is_private
        try:
            self._choices.toggle_favourite(name, is_saved=is_saved)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def _take_model(self, name: ModelName | None) -> None:
        if name is None:
            self._sends_after = False
        else:
            self.use_found(self._desk.targets.relative(name))

    def _use_model(self, name: str) -> None:
        """Use a model, by its name or alias."""
        self.use_found(self._desk.targets.find_model(name))

    def use_found(self, found: ModelName, done: Callable[[], None] | None = None) -> None:
        """Use a model, and the provider that it names. `done` is called when it is in use."""
        if found.provider == LOCAL:
            self.start_local(found.model, is_kept=True, done=done)
            return
        try:
            if found.provider is not None:
                self._switch_to(self._desk.targets.endpoint_named(found.provider))
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._use_listed(found.model, done)

    def _switch_to(self, endpoint: Endpoint) -> None:
        """Use another provider. Raises ReplyscopeError."""
        self._desk.targets.switch_to(self._desk.conversation, endpoint)
        self._desk.start_work(self.learn_models, group="models", exclusive=True)

    def _use_listed(self, name: str, done: Callable[[], None] | None) -> None:
        from replyscope.inspection.model_row import shutdown_sentence  # loaded on first use

        endpoint = self._desk.targets.endpoint
        if endpoint is not None and endpoint.name == LOCAL:
            is_kept = self._desk.services.settings.provider == LOCAL
            self.start_local(name, is_kept=is_kept, done=done)
            return
        conversation = self._desk.conversation
        self._change_target(lambda targets: targets.use_model(conversation, name))
        self._desk.apply_settings(conversation, conversation.session.settings)
        chosen = next((m for m in self._desk.targets.models if m.id == name), None)
        if chosen is not None and chosen.shutdown_date:
            self._desk.tell(f"{name} is {shutdown_sentence(chosen)}.", is_error=False)
        if done is not None:
            done()
        self._send_written()

    def _send_written(self) -> None:
        """Send the message that waited for the choice of a provider or a model."""
        is_wanted, self._sends_after = self._sends_after, False
        if is_wanted and self.send_written is not None:
            self.send_written()

    def _change_target(self, change: Callable[[Targets], None]) -> None:
        """Change the target, and report an error of the settings file."""
        try:
            change(self._desk.targets)
        except ReplyscopeError as error:
            self._desk.tell(error)

    def choose_target(self) -> None:
        """Choose the provider or the model that is missing before a message can be sent, and
        send it then.
        """
        self._sends_after = True
        if self._desk.targets.endpoint is None:
            self.choose_provider()
        else:
            self.choose_model()

    def choose_provider(self) -> None:
        """Choose a provider: an API key, a server or the embedded model."""
        from replyscope.ui.chat.first_run import FirstRun  # loaded on first use

        services = self._desk.services
        known = known_providers(services.settings, services.environment)
        screen = FirstRun(services.local, services.find_servers, known, self._desk.targets.check)
        self._desk.show(screen, self._take_choice)

    def _take_choice(self, choice: ProviderChoice | None) -> None:
        if choice is None:
            self._sends_after = False
            return
        if choice.way is ProviderKind.LOCAL:
            self.start_local(choice.value, is_kept=True)
            return
        self._desk.start_work(self._use_choice, choice, holds_keys=True)

    async def _use_choice(self, choice: ProviderChoice) -> None:
        conversation = self._desk.conversation
        try:
            note = await self._desk.targets.take(conversation, choice)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._desk.apply_settings(conversation, conversation.session.settings)
        if note is not None:
            self._desk.tell(note, is_error=False)
        await self.learn_models()
        if self._desk.targets.model_for(self._desk.conversation) is None:
            self.choose_model()
        else:
            self._send_written()

    def start_local(
        self,
        name: str,
        *,
        is_kept: bool = False,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Start the embedded model, installed if necessary. `is_kept` saves it as the default;
        `done` is called when it is in use.
        """

        def end(is_used: bool) -> None:
            if not is_used:
                self._sends_after = False
                return
            if done is not None:
                done()
            self._send_written()

        self.local.install(name, end, is_kept=is_kept)

    async def learn_at_start(self) -> None:
        """Load the model list if it is on the screen or checks the settings, else when a person
        starts to write: the SDK takes more processor time than all else at the start.
        """
        targets, conversation = self._desk.targets, self._desk.conversation
        with suppress(StoreError):
            await targets.learn_recent()
        self._view.draw_status()
        has_unchecked = targets.parameters_of(conversation).needs_catalogue
        if has_unchecked or conversation.messages or targets.model_for(conversation) is None:
            await self.learn_models()
        else:
            self._waits_for_writing = True
            self.follow_writing()

    def follow_writing(self) -> None:
        """Load the model list if it waits for this."""
        if self._waits_for_writing and self._view.composer.text:
            self._desk.start_work(self.learn_models, group="models", exclusive=True)

    async def learn_models(self) -> None:
        """Load the SDK and the model list in the background. Errors are ignored here: the next
        request reports them.
        """
        self._waits_for_writing = False
        try:
            await self._desk.targets.load_models()
        except SettingsError as error:
            self._desk.tell(error)
            return
        except ReplyscopeError as error:
            _log.info("the list of models did not load: %s", error)
            return
        self._start.settle()  # the SDK is loaded now, and stays in memory
        self._view.draw_status()
        await self._desk.targets.learn_window(self._desk.targets.model_for(self._desk.conversation))
        self._view.draw_status()
