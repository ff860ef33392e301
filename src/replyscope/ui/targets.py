"""Finds whom to ask: the endpoint in use, its models, and the model of a session."""

from dataclasses import replace

from replyscope.domain.endpoint import Endpoint, KeySource, KeySourceKind, ModelInfo
from replyscope.domain.errors import ReplyscopeError
from replyscope.engine.conversation import Conversation, Target
from replyscope.ui.services import Services
from replyscope.ui.ways import Choice, Way

OPENAI_URL = "https://api.openai.com/v1"


class Targets:
    """Keeps the endpoint that was chosen, and what its server said of its models."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.endpoint = services.endpoint
        self._named_model = services.model
        self.models: tuple[ModelInfo, ...] = ()

    def model_for(self, conversation: Conversation) -> str | None:
        """The model a session asks: its own, the command line's, the endpoint's."""
        own = conversation.session.settings.model
        if self._named_model is not None and not conversation.messages:
            own = self._named_model
        endpoint_model = self.endpoint.model if self.endpoint is not None else None
        if self.endpoint is not None and self.endpoint.name == "local":
            return endpoint_model
        only = self.models[0].id if len(self.models) == 1 else None
        return own or endpoint_model or only

    def window_of(self, model: str | None) -> int | None:
        """The model's context window in tokens, where the server says it."""
        return next((m.context_window for m in self.models if m.id == model), None)

    async def load_models(self) -> tuple[ModelInfo, ...]:
        """Ask the server for its models. Raises ReplyscopeError."""
        if self.endpoint is None:
            return ()
        provider = await self._services.open_provider(self.endpoint)
        self.models = await provider.list_models()
        return self.models

    async def target_for(self, conversation: Conversation) -> Target | None:
        """Where a session's next request goes; None when a model has to be chosen.

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
        settings = conversation.session.settings
        parameters = settings.parameters.merged_over(self.endpoint.parameters)
        conversation.session = replace(
            conversation.session,
            settings=replace(
                settings, endpoint=self.endpoint.name, model=model, parameters=parameters
            ),
        )
        return Target(self.endpoint, provider, model)

    def use(self, endpoint: Endpoint) -> None:
        """Send there from now on."""
        self.endpoint = endpoint
        self.models = ()
        self._named_model = None

    def take(self, choice: Choice) -> Endpoint:
        """The endpoint a person chose; it is saved so that the next start finds it.

        Raises ReplyscopeError when key or settings can't be kept; nothing is used then.
        """
        services = self._services
        match choice.way:
            case Way.KEY_STORED:
                services.keys.store_key("openai", choice.value)
                endpoint = Endpoint(
                    "openai", OPENAI_URL, key_source=KeySource(KeySourceKind.KEYRING, "openai")
                )
                self._save(endpoint, {"key_keyring": "openai"})
            case Way.KEY_HELD:
                services.keys.hold_key("openai", choice.value)
                endpoint = Endpoint("openai", OPENAI_URL, key_source=KeySource(KeySourceKind.GIVEN))
            case Way.PROVIDER:
                named = services.settings.endpoint(choice.value)
                if named is None:
                    raise ReplyscopeError(f"There is no provider {choice.value}.")
                endpoint = named
                services.change_settings({("provider",): choice.value})
            case _:
                name = "".join(c for c in (choice.product or "server").lower() if c.isalnum())
                endpoint = Endpoint(name, choice.value.rstrip("/"))
                self._save(endpoint, {})
        self.use(endpoint)
        return endpoint

    def _save(self, endpoint: Endpoint, key: dict[str, str]) -> None:
        changes: dict[tuple[str, ...], object] = {
            ("providers", endpoint.name, "base_url"): endpoint.base_url,
            ("provider",): endpoint.name,
        }
        changes |= {("providers", endpoint.name, name): value for name, value in key.items()}
        self._services.change_settings(changes)
