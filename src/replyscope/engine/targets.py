"""The targets of requests: the endpoint in use, its models, and the model of a session."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from replyscope.domain.address import AddressError, read_base_url
from replyscope.domain.endpoint import (
    Endpoint,
    KeySource,
    KeySourceKind,
    ModelInfo,
    default_api,
    host_of,
)
from replyscope.domain.errors import ReplyscopeError, SettingsError
from replyscope.domain.message import Attachment, Part
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.session import Parameters
from replyscope.domain.settings import Layers
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.model_entries import KnownModels
from replyscope.engine.model_lists import ModelLists
from replyscope.engine.parameter_layers import Layer, effective, parameter_layers
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind
from replyscope.engine.services import ChatServices
from replyscope.inspection.context import Fit, fit_into
from replyscope.inspection.sent_as import form_of, rejections

OPENAI_URL = "https://api.openai.com/v1"


class Targets:
    """The endpoint in use, with the model list of its server."""

    def __init__(self, services: ChatServices) -> None:
        self._services = services
        self.endpoint = services.endpoint
        self._first = services.endpoint
        self._named_model = services.model
        self.lists = ModelLists(services.open_provider, services.prices)
        self._windows: dict[str, int] = {}
        self._learned: Mapping[str, str] = {}

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models of the endpoint in use, as known so far."""
        return (self.lists.of(self.endpoint).models or ()) if self.endpoint is not None else ()

    def model_for(self, conversation: Conversation) -> str | None:
        """The model of a session: its own, or the one of the command line, or of the endpoint."""
        own = conversation.session.settings.model
        if self._named_model is not None and not conversation.messages:
            own = self._named_model
        endpoint_model = self.endpoint.model if self.endpoint is not None else None
        if self.endpoint is not None and self.endpoint.name == LOCAL:
            return endpoint_model
        only = self.models[0].id if len(self.models) == 1 else None
        return own or endpoint_model or only

    def window_of(self, model: str | None) -> int | None:
        """The model's context window in tokens, from the server, else from the price list."""
        said = next((m.context_window for m in self.models if m.id == model), None)
        return self._windows.get(model or "") if said is None else said

    def parameter_layers(self, conversation: Conversation) -> tuple[Layer, ...]:
        """The layers of the parameters of a session's next request."""
        return parameter_layers(
            conversation.session.settings,
            self.endpoint,
            self.model_for(conversation),
            self._services.settings,
        )

    def parameters_of(self, conversation: Conversation) -> Parameters:
        """The parameters of a session's next request."""
        return effective(self.parameter_layers(conversation))

    def fit(
        self, conversation: Conversation, model: str | None, parts: Sequence[Part]
    ) -> Fit | None:
        """How a request with a new message fits into the model's context window; None when its
        size is unknown.
        """
        window = self.window_of(model)
        if window is None:
            return None
        return fit_into(conversation.read_messages(), conversation.exchanges, parts, window)

    def form_of(self, part: Attachment) -> str:
        """The form in which a PDF is sent to the server in use; empty for other attachments."""
        if self.endpoint is None:
            return ""
        learned = self._learned.get("files", "")
        return form_of(part, self.endpoint.base_url, self.endpoint.api, learned)

    def rejections(
        self, conversation: Conversation, parts: Sequence[Attachment]
    ) -> tuple[str, ...]:
        """Sentences about attachments that the server or the model is known not to accept."""
        if self.endpoint is None:
            return ()
        model = self.model_for(conversation)
        return rejections(parts, self.endpoint.base_url, self.endpoint.api, model)

    async def learn_forms(self, conversation: Conversation) -> None:
        """Load what the server rejected for the model, for `form_of`."""
        model = self.model_for(conversation)
        if self.endpoint is not None and model is not None:
            self._learned = await self._services.recall(self.endpoint.public_url, model)

    def setting_of(self, conversation: Conversation, name: str) -> tuple[str, ...] | None:
        """The place in the settings of a value of the provider in use. None if the settings do
        not have the provider, or the session is private.
        """
        endpoint = self.endpoint
        if endpoint is None or self._services.settings.endpoint(endpoint.name) is None:
            return None
        return None if conversation.is_private else ("providers", endpoint.name, name)

    async def learn_window(self, model: str | None) -> None:
        """Load the context window from the price list, if the server does not report it."""
        prices = self._services.prices
        if prices is None or model is None or self.endpoint is None or self.window_of(model):
            return
        window = await prices.context_window(self.endpoint.public_url, model)
        if window is not None:
            self._windows[model] = window

    async def load_models(self) -> tuple[ModelInfo, ...]:
        """Load the model list from the server. Raises ReplyscopeError."""
        if self.endpoint is None:
            return ()
        return await self.lists.load(self.endpoint)

    async def target_for(self, conversation: Conversation) -> Target | None:
        """The target of a session's next request; None when no model is chosen.

        Raises ReplyscopeError when the endpoint can't be used.
        """
        if self.endpoint is None:
            return None
        provider = await self._services.open_provider(self.endpoint)
        if self.model_for(conversation) is None and not self.models:
            await self.load_models()
        model = self.model_for(conversation)
        if model is None:
            return None
        settings, known = conversation.session.settings, self._services.settings
        await self._services.check_layers(known, Layers(model, settings.preset))
        conversation.change_settings(replace(settings, endpoint=self.endpoint.name, model=model))
        return Target(self.endpoint, provider, model, known=known)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoint in use, the first one, and the configured ones."""
        known = (self.endpoint, self._first, *self._services.settings.endpoints)
        named = {one.name: one for one in reversed(known) if one is not None}
        return tuple(reversed(named.values()))

    def find_model(self, name: str) -> ModelName:
        """The model of a name or an alias, without a provider if it is the one in use."""
        return self.relative(self._services.settings.find_model(name, self._others))

    def parse_model(self, text: str) -> ModelName:
        """The model of an alias or a text PROVIDER/MODEL, without the provider in use."""
        return self.relative(self._services.settings.parse_model(text, self._others))

    def relative(self, name: ModelName) -> ModelName:
        """A model without its provider, if that is in use."""
        is_here = self.endpoint is not None and name.provider == self.endpoint.name
        return ModelName(name.model) if is_here else name

    def model_name(self, conversation: Conversation) -> ModelName | None:
        """The model of a session with the provider in use; None when no model is chosen."""
        model = self.model_for(conversation)
        return None if model is None else self._placed(ModelName(model))

    @property
    def _others(self) -> list[str]:
        """The names of endpoints that may not be in the settings."""
        return [one.name for one in (*self.endpoints, self._services.environment) if one]

    def _placed(self, name: ModelName) -> ModelName:
        """A model with the endpoint in use, unless it names another one."""
        if name.provider is not None or self.endpoint is None:
            return name
        return ModelName(name.model, self.endpoint.name)

    def endpoint_named(self, name: str) -> Endpoint:
        """The endpoint with a name. Raises ReplyscopeError."""
        known = (*self.endpoints, self._services.environment)
        found = next((one for one in known if one is not None and one.name == name), None)
        if found is None:
            raise ReplyscopeError(f"There is no provider {name}.", "/provider adds one.")
        return found

    def known_models(self, recent: Sequence[ModelName] = ()) -> KnownModels:
        """The models of all providers, as known so far, for the picker."""
        services = self._services
        settings = services.settings
        here = self.endpoint.name if self.endpoint is not None else None
        aliases = {
            alias: self._placed(settings.find_model(alias, self._others))
            for alias in settings.aliases
        }
        is_local = here == LOCAL
        return KnownModels(
            [(one, self.lists.of(one)) for one in self.endpoints if one.name != LOCAL],
            [settings.parse_model(text, self._others) for text in settings.favourites],
            recent,
            aliases,
            [one for one in services.local.list_models() if one.is_installed or is_local],
        )

    async def named_target(self, target: Target, found: ModelName) -> Target:
        """A target with another model. Raises ReplyscopeError."""
        await self._services.check_layers(target.known, Layers(found.model))
        if found.provider is None:
            return replace(target, model=found.model)
        endpoint = self.endpoint_named(found.provider)
        provider = await self._services.open_provider(endpoint)
        return replace(target, endpoint=endpoint, provider=provider, model=found.model)

    def switch_to(self, endpoint: Endpoint) -> None:
        """Use a known endpoint, and save it as the default if the settings have it.

        Raises ReplyscopeError when the settings cannot be changed.
        """
        if self._services.settings.endpoint(endpoint.name) is not None:
            self._services.change_settings({("provider",): endpoint.name})
        self.use(endpoint)

    def use(self, endpoint: Endpoint) -> None:
        """Use this endpoint for the next requests."""
        self.endpoint = endpoint
        self._learned = {}
        self._named_model = None

    async def check(self, choice: ProviderChoice) -> None:
        """Connect to the server of a choice. Nothing is saved. Raises ReplyscopeError."""
        endpoint = self._endpoint_at(choice.value, choice.product)
        if choice.key:
            self._services.keys.hold_key(endpoint.name, choice.key)
            endpoint = replace(endpoint, key_source=KeySource(KeySourceKind.GIVEN))
        await (await self._services.open_provider(endpoint)).list_models()

    async def take(self, choice: ProviderChoice) -> str | None:
        """Use the chosen provider, and save it as the default.

        Returns a note when the key could not be stored. Raises ReplyscopeError when the
        settings cannot be changed; the endpoint in use is then the same as before.
        """
        if choice.way is ProviderKind.PROVIDER:
            named = self._services.settings.endpoint(choice.value)
            if named is None:
                raise ReplyscopeError(f"There is no provider {choice.value}.")
            self.switch_to(named)
            return None
        is_openai = choice.way in (ProviderKind.KEY_STORED, ProviderKind.KEY_HELD)
        endpoint = self._endpoint_at(OPENAI_URL if is_openai else choice.value, choice.product)
        source, note = endpoint.key_source, None
        if choice.key:
            source, note = await self._keep_key(endpoint.name, choice)
        endpoint = replace(endpoint, key_source=source)
        if source.kind is not KeySourceKind.GIVEN or choice.way is ProviderKind.URL:
            self._save(endpoint)
        self.use(endpoint)
        return note

    def _endpoint_at(self, text: str, product: str) -> Endpoint:
        """The endpoint of the settings with a URL, or a new one. Raises SettingsError.

        A new endpoint never gets a name that is in use: a key is sent only to the server that
        it was given for.
        """
        try:
            address = read_base_url(text)
        except AddressError as error:
            raise SettingsError(str(error), error.next_step) from error
        url = address.base_url
        settings = self._services.settings
        known = next((e for e in settings.endpoints if e.base_url == url), None)
        if known is not None:
            return known
        host = "openai" if url == OPENAI_URL else product or host_of(url)
        stem = "-".join("".join(c if c.isalnum() else " " for c in host.lower()).split())
        taken = {LOCAL, *(endpoint.name for endpoint in settings.endpoints)}
        names = (stem or "server", *(f"{stem}-{n}" for n in range(2, len(taken) + 3)))
        name = next(name for name in names if name not in taken)
        return Endpoint(
            name,
            url,
            default_api(url),
            model=address.model,
            azure_api_version=address.azure_api_version,
        )

    async def _keep_key(self, name: str, choice: ProviderChoice) -> tuple[KeySource, str | None]:
        """Store the key in the keyring; in memory if chosen, or with a note without a keyring."""
        note = None
        if choice.way is not ProviderKind.KEY_HELD:
            try:
                await asyncio.to_thread(self._services.keys.store_key, name, choice.key)
                return KeySource(KeySourceKind.KEYRING, name), None
            except SettingsError:
                note = (
                    "This system has no keyring: the key is kept in memory until you leave. "
                    "To keep it, set OPENAI_API_KEY or key_env in the settings."
                )
        self._services.keys.hold_key(name, choice.key)
        return KeySource(KeySourceKind.GIVEN), note

    def _save(self, endpoint: Endpoint) -> None:
        changes: dict[tuple[str, ...], object] = {
            ("providers", endpoint.name, "base_url"): endpoint.base_url,
            ("provider",): endpoint.name,
        }
        if endpoint.key_source.kind is KeySourceKind.KEYRING:
            changes["providers", endpoint.name, "key_keyring"] = endpoint.key_source.value
        if endpoint.azure_api_version is not None:
            changes["providers", endpoint.name, "model"] = endpoint.model
            changes["providers", endpoint.name, "azure_api_version"] = endpoint.azure_api_version
        self._services.change_settings(changes)
