"""The commands that start the embedded model."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.model_names import LOCAL
from replyscope.engine.conversation import Conversation
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView

Use = Callable[[Conversation, Endpoint], None]


class LocalModelCommands:
    """Starts the embedded model, and uses it. `learn_models` loads the model list then."""

    def __init__(
        self, desk: Desk, view: ChatView, learn_models: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._desk = desk
        self._view = view
        self._learn_models = learn_models

    def install(self, name: str, ended: Callable[[bool], None], *, is_kept: bool) -> None:
        """Start a model that the person chose, installed if necessary. `is_kept` saves it as the
        default. `ended` is called with whether it is in use.
        """
        from replyscope.ui.chat.install import InstallScreen  # loaded on first use

        conversation = self._desk.conversation

        def accept(endpoint: Endpoint | None) -> None:
            if endpoint is not None:
                self._use(conversation, endpoint, self._desk.targets.use)
                if is_kept and not conversation.is_private:
                    self._desk.change_settings({("provider",): LOCAL, ("local_model",): name})
                self._view.draw_status()
                self._view.composer.focus()
            ended(endpoint is not None)

        self._desk.show(InstallScreen(self._desk.services.local, name), accept)

    def begin(self, name: str) -> None:
        """Start the model that this run begins with: in the background if it is installed, so
        that the person can write meanwhile. A session with its own provider keeps it.
        """
        conversation, targets = self._desk.conversation, self._desk.targets

        def accept(endpoint: Endpoint | None) -> None:
            if endpoint is not None:
                self._use(conversation, endpoint, targets.start_with)
                targets.follow(self._desk.conversation)  # another one may have been opened
            self._desk.local_start.ended.set()
            if self._desk.app.is_running:
                self._view.draw_status()

        local = self._desk.services.local
        if all(one.is_installed for one in local.list_models() if one.name == name):
            self._desk.start_work(self._start_installed, name, accept, group="local")
        else:
            from replyscope.ui.chat.install import InstallScreen  # loaded on first use

            self._desk.show(InstallScreen(local, name), accept)

    async def _start_installed(self, name: str, accept: Callable[[Endpoint | None], None]) -> None:
        endpoint: Endpoint | None = None
        try:
            endpoint = await self._desk.services.local.start(name)
        except ReplyscopeError as error:
            self._desk.tell(error)
        finally:
            accept(endpoint)

    def _use(self, conversation: Conversation, endpoint: Endpoint, use: Use) -> None:
        use(conversation, replace(endpoint, api=self._desk.services.api or endpoint.api))
        self._desk.apply_settings(conversation, conversation.session.settings)
        self._desk.start_work(self._learn_models, group="models", exclusive=True)
