"""The targets of requests: the endpoint in use, and the endpoint and model of each session."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from replyscope.domain.endpoint import (
    Endpoint,
    KeySource,
    KeySourceKind,
    ModelInfo,
)
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.message import Part
from replyscope.domain.model_names import LOCAL, ModelName
from replyscope.domain.session import Parameters, SessionSettings
from replyscope.domain.settings import Layers
from replyscope.engine.attachment_forms import AttachmentForms
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import PlannedTarget, Target
from replyscope.engine.message_marks import check_marks
from replyscope.engine.model_lists import ModelLists
from replyscope.engine.new_endpoints import OPENAI_URL, endpoint_at, entry_of, keep_key
from replyscope.engine.parameter_layers import Layer, effective, parameter_layers
from replyscope.engine.provider_choice import ProviderChoice, ProviderKind, is_lasting
from replyscope.engine.services import ChatServices
from replyscope.inspection.context import Fit, fit_into


class Targets:
    """The endpoint in use, which is the one of the open session, with the model list of its
    server. Every endpoint that was used in this run stays known.
    """

    def __init__(self, services: ChatServices) -> None:
        self._services = services
        self._used: dict[str, Endpoint] = {}
        self.endpoint = services.endpoint
        self._first = services.endpoint
        self._named_model = services.model
        self.lists = ModelLists(services.open_provider, services.prices)
        self._windows: dict[str, int] = {}
        self._recent: Mapping[str, str] = {}
        """The model that was used last with each provider."""
        self.forms = AttachmentForms(self, lambda url, model: services.recall(url, model))

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint in use; None before one is chosen."""
        return self._endpoint

    @endpoint.setter
    def endpoint(self, endpoint: Endpoint | None) -> None:
        self._endpoint = endpoint
        if endpoint is not None:
            self._used[endpoint.name] = endpoint

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models of the endpoint in use, as known so far."""
        return self._models_at(self.endpoint)

    def _models_at(self, endpoint: Endpoint | None) -> tuple[ModelInfo, ...]:
        return (self.lists.of(endpoint).models or ()) if endpoint is not None else ()

    def endpoint_of(self, conversation: Conversation) -> Endpoint | None:
        """The endpoint of a session's requests: its own; the one in use if it has none, or if
        its own is not known in this run.
        """
        own = self.known_endpoint(conversation.session.settings.endpoint)
        return self.endpoint if own is None else own

    def follow(self, conversation: Conversation) -> None:
        """Use the endpoint of a session that is opened."""
        endpoint = self.endpoint_of(conversation)
        if endpoint != self.endpoint:
            self.endpoint = endpoint

    def begin(self, conversation: Conversation) -> None:
        """Follow the first session, or move it to the endpoint and the model that the command
        line names.
        """
        if self._services.is_endpoint_given and self.endpoint is not None:
            self._move(conversation, self.endpoint)
        self.follow(conversation)
        if self._named_model is not None and self._is_first(self.endpoint):
            settings = replace(conversation.session.settings, model=self._named_model)
            conversation.change_settings(settings)

    def _is_first(self, endpoint: Endpoint | None) -> bool:
        """Whether an endpoint is the one of the command line and so of the model named there."""
        return self._first is None or (endpoint is not None and self._first.name == endpoint.name)

    def model_for(self, conversation: Conversation) -> str | None:
        """The model of a session: its own, or the one of the command line, or of the endpoint;
        else the only model of the server, or the last model used there.

        Its own model is of its own endpoint, and never requested from another one.
        """
        settings, endpoint = conversation.session.settings, self.endpoint_of(conversation)
        name = endpoint.name if endpoint is not None else None
        own = settings.model if settings.endpoint in (None, name) else None
        if self._named_model and not conversation.messages and self._is_first(endpoint):
            own = self._named_model
        endpoint_model = endpoint.model if endpoint is not None else None
        if name == LOCAL:
            return endpoint_model
        models = self._models_at(endpoint)
        only = models[0].id if len(models) == 1 else None
        return own or endpoint_model or only or self._recent.get(name or "")

    def window_of(self, model: str | None, endpoint: Endpoint | None = None) -> int | None:
        """The model's context window in tokens, from the server, else from the price list. The
        model is of the endpoint in use, unless another one is given.
        """
        models = self._models_at(endpoint or self.endpoint)
        said = next((m.context_window for m in models if m.id == model), None)
        return self._windows.get(model or "") if said is None else said

    def parameter_layers(self, conversation: Conversation) -> tuple[Layer, ...]:
        """The layers of the parameters of a session's next request."""
        return parameter_layers(
            conversation.session.settings,
            self.endpoint_of(conversation),
            self.model_for(conversation),
            self._services.settings,
        )

    def parameters_of(self, conversation: Conversation) -> Parameters:
        """The parameters of a session's next request."""
        return effective(self.parameter_layers(conversation))

    def fit(
        self, conversation: Conversation, model: str | None, parts: Sequence[Part]
    ) -> Fit | None:
        """The fit of a request with a new message into the model's context window; None when its
        size is unknown.
        """
        window = self.window_of(model, self.endpoint_of(conversation))
        if window is None:
            return None
        return fit_into(
            conversation.read_messages(),
            conversation.exchanges,
            parts,
            window,
            conversation.session.settings,
        )

    def use_model(self, conversation: Conversation, model: str) -> None:
        """Use a model of the endpoint in use for the next requests of a session, and save it as
        the model of its provider. Raises ReplyscopeError when the settings cannot be changed.
        """
        settings, endpoint = conversation.session.settings, self.endpoint
        at = endpoint.name if endpoint is not None else settings.endpoint
        conversation.change_settings(replace(settings, endpoint=at, model=model))
        if endpoint is not None:
            self.endpoint = replace(endpoint, model=model)
            self._remember(conversation, "model", model)

    def use_api(self, conversation: Conversation, api: Api) -> None:
        """Use another API of the endpoint in use, and save it as the one of its provider.

        Raises ReplyscopeError when the settings cannot be changed.
        """
        if self.endpoint is not None:
            self.endpoint = replace(self.endpoint, api=api)
            self._services.api = None  # the choice is newer than the command line
            self._remember(conversation, "api", api.value)

    def _remember(self, conversation: Conversation, name: str, value: str) -> None:
        """Save a value of the provider in use, if the settings have the provider and the session
        is not private.
        """
        endpoint = self.endpoint
        is_configured = endpoint is not None and self._services.settings.endpoint(endpoint.name)
        if endpoint is not None and is_configured and not conversation.is_private:
            self._services.change_settings({("providers", endpoint.name, name): value})

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
        await self.learn_recent()
        return await self.lists.load(self.endpoint)

    async def learn_recent(self) -> None:
        """Load the last model of each provider. Raises StoreError."""
        newest_last = reversed(await self._services.recent_models())
        self._recent = {name.provider: name.model for name in newest_last if name.provider}

    def check_marks(
        self, conversation: Conversation, settings: SessionSettings | None = None
    ) -> None:
        """Raise ReplyscopeError if messages are left out that the server keeps. `settings` replace
        the settings of the session.
        """
        endpoint = self.endpoint_of(conversation)
        if endpoint is None or endpoint.api is not Api.RESPONSES:
            return
        kept_at = self.parameters_of(conversation).given().get("conversation")
        settings = settings or conversation.session.settings
        check_marks(conversation.messages, settings, kept_at)

    async def target_for(self, conversation: Conversation) -> Target | None:
        """The target of a session's next request; None when no model is chosen.

        Raises ReplyscopeError when the endpoint can't be used.
        """
        endpoint = self.endpoint_of(conversation)
        if endpoint is None:
            return None
        self.check_marks(conversation)
        provider = await self._services.open_provider(endpoint)
        if self.model_for(conversation) is None:
            await self.learn_recent()
        if self.model_for(conversation) is None and not self._models_at(endpoint):
            await self.lists.load(endpoint)
        model = self.model_for(conversation)
        if model is None:
            return None
        settings, known = conversation.session.settings, self._services.settings
        await self._services.check_layers(known, Layers(model, settings.preset))
        conversation.change_settings(replace(settings, endpoint=endpoint.name, model=model))
        return Target(endpoint, provider, model, known=known)

    def planned(self, conversation: Conversation) -> PlannedTarget | None:
        """The known destination of a session's next request, without a connection. None without
        an endpoint or a model.
        """
        endpoint, model = self.endpoint_of(conversation), self.model_for(conversation)
        if endpoint is None or model is None:
            return None
        return PlannedTarget(endpoint, model, self._services.settings)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints: in use, in the settings, of the environment, and used in this run."""
        services = self._services
        known = (self.endpoint, *services.settings.endpoints, services.environment)
        named: dict[str, Endpoint] = {}
        for one in (*known, *self._used.values()):
            if one is not None:
                named.setdefault(one.name, one if one is self.endpoint else self._with_api(one))
        return tuple(named.values())

    def _with_api(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint with the API of the command line, if it names one."""
        return replace(endpoint, api=self._services.api or endpoint.api)

    def known_endpoint(self, name: str | None) -> Endpoint | None:
        """The endpoint with a name: of this run, the settings or the environment."""
        return next((one for one in self.endpoints if one.name == name), None)

    def find_model(self, name: str) -> ModelName:
        """The model of a name or an alias, without a provider if it is the one in use."""
        return self.relative(self._services.settings.find_model(name, self.others))

    def parse_model(self, text: str) -> ModelName:
        """The model of an alias or a text PROVIDER/MODEL, without the provider in use."""
        return self.relative(self._services.settings.parse_model(text, self.others))

    def relative(self, name: ModelName) -> ModelName:
        """A model without its provider, if that is in use."""
        is_here = self.endpoint is not None and name.provider == self.endpoint.name
        return ModelName(name.model) if is_here else name

    def model_name(self, conversation: Conversation) -> ModelName | None:
        """The model of a session with the provider in use; None when no model is chosen."""
        model = self.model_for(conversation)
        return None if model is None else self.placed(ModelName(model))

    def stored_name(self, conversation: Conversation) -> str | None:
        """The model of a session as a preset stores it: with its provider, if later runs know
        the provider. None if the text would name another model, or without a model.
        """
        model, endpoint = self.model_for(conversation), self.endpoint_of(conversation)
        if model is None or endpoint is None:
            return None
        settings, environment = self._services.settings, self._services.environment
        lasting = [one.name for one in (*settings.endpoints, environment) if one]
        is_lasting = endpoint.name in (*lasting, LOCAL)
        name = ModelName(model, endpoint.name if is_lasting else None)
        return str(name) if settings.parse_model(str(name), lasting) == name else None

    @property
    def others(self) -> list[str]:
        """The names of endpoints that may not be in the settings."""
        return [one.name for one in self.endpoints]

    def placed(self, name: ModelName) -> ModelName:
        """A model with the endpoint in use, unless it names another one."""
        if name.provider is not None or self.endpoint is None:
            return name
        return ModelName(name.model, self.endpoint.name)

    def endpoint_named(self, name: str) -> Endpoint:
        """The endpoint with a name. Raises ReplyscopeError."""
        found = self.known_endpoint(name)
        if found is None:
            raise ReplyscopeError(f"There is no provider {name}.", "/provider adds one.")
        return found

    async def named_target(self, target: Target, found: ModelName) -> Target:
        """A target with another model. Raises ReplyscopeError.

        One embedded model runs at a time: another one would only be named in the request.
        """
        is_local = (found.provider or target.endpoint.name) == LOCAL
        running = self.known_endpoint(LOCAL) if is_local else None
        if is_local and (running is None or running.model != found.model):
            raise ReplyscopeError(
                f"The embedded model {found.model} does not run.", "/model starts it."
            )
        await self._services.check_layers(target.known, Layers(found.model))
        if found.provider is None:
            return replace(target, model=found.model)
        endpoint = self.endpoint_named(found.provider)
        provider = await self._services.open_provider(endpoint)
        return replace(target, endpoint=endpoint, provider=provider, model=found.model)

    def switch_to(self, conversation: Conversation, endpoint: Endpoint) -> None:
        """Use a known endpoint for a session, and save it as the default if later runs know it
        and the session is not private.

        Raises ReplyscopeError when the settings cannot be changed.
        """
        known = self._services
        saves = is_lasting(endpoint, known.settings, known.environment)
        if saves and not conversation.is_private:
            self._services.change_settings({("provider",): endpoint.name})
        self.use(conversation, endpoint)

    def use(self, conversation: Conversation, endpoint: Endpoint) -> None:
        """Use this endpoint for the next requests of a session."""
        self.endpoint = endpoint
        self._named_model = None
        self._move(conversation, endpoint)

    def learn(self, endpoint: Endpoint) -> None:
        """Know an endpoint that is not in the settings; a session may have its name."""
        self._used.setdefault(endpoint.name, endpoint)

    def start_with(self, conversation: Conversation, endpoint: Endpoint) -> None:
        """Use the endpoint that this run starts with; a session with an own one keeps it."""
        self.endpoint = endpoint
        self.begin(conversation)

    def _move(self, conversation: Conversation, endpoint: Endpoint) -> None:
        """Store an endpoint in a session. A model of another endpoint is not its model then."""
        settings = conversation.session.settings
        model = settings.model if settings.endpoint in (None, endpoint.name) else None
        conversation.change_settings(replace(settings, endpoint=endpoint.name, model=model))

    async def check(self, choice: ProviderChoice) -> None:
        """Connect to the server of a choice. Nothing is saved. Raises ReplyscopeError."""
        endpoint = endpoint_at(self._services.settings, choice.value, choice.product)
        if choice.key:
            self._services.keys.hold_key(endpoint.name, choice.key)
            endpoint = replace(endpoint, key_source=KeySource(KeySourceKind.GIVEN))
        await (await self._services.open_provider(endpoint)).list_models()

    async def take(self, conversation: Conversation, choice: ProviderChoice) -> str | None:
        """Use the chosen provider for a session, and save it as the default unless the session
        is private.

        Returns a note when the key could not be stored. Raises ReplyscopeError when the
        settings cannot be changed; the endpoint in use is then the same as before.
        """
        if choice.way is ProviderKind.PROVIDER:
            self.switch_to(conversation, self.endpoint_named(choice.value))
            return None
        is_openai = choice.way in (ProviderKind.KEY_STORED, ProviderKind.KEY_HELD)
        url = OPENAI_URL if is_openai else choice.value
        endpoint = endpoint_at(self._services.settings, url, choice.product)
        source, note = endpoint.key_source, None
        if choice.key:
            stores = choice.way is not ProviderKind.KEY_HELD and not conversation.is_private
            source, note = await keep_key(
                self._services.keys, endpoint.name, choice.key, stores=stores
            )
        endpoint = replace(endpoint, key_source=source)
        if choice.way is ProviderKind.KEY_STORED and conversation.is_private:
            note = "This session is private: the key is kept in memory until you leave."
        is_kept = source.kind is not KeySourceKind.GIVEN or choice.way is ProviderKind.URL
        if is_kept and not conversation.is_private:
            self._services.change_settings(entry_of(endpoint))
        self.use(conversation, endpoint)
        return note
