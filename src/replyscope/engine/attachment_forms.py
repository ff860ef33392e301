"""The forms in which attachments are sent, as far as the server and the model are known."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from replyscope.domain.endpoint import Endpoint
from replyscope.domain.message import Attachment
from replyscope.engine.conversation import Conversation
from replyscope.inspection.sent_as import form_of, rejections

Recall = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Loads what a server rejected before, by its URL and the model."""


class _Targets(Protocol):
    @property
    def endpoint(self) -> Endpoint | None: ...

    def model_for(self, conversation: Conversation) -> str | None: ...


class AttachmentForms:
    """The forms at the endpoint in use."""

    def __init__(self, targets: _Targets, recall: Recall) -> None:
        self._targets = targets
        self._recall = recall
        self._learned: dict[str, Mapping[str, str]] = {}
        """What a server rejected for the model that was used last, by its URL."""

    def form_of(self, part: Attachment) -> str:
        """The form in which a PDF is sent to the server in use; empty for other attachments."""
        endpoint = self._targets.endpoint
        if endpoint is None:
            return ""
        learned = self._learned.get(endpoint.public_url, {}).get("files", "")
        return form_of(part, endpoint.base_url, endpoint.api, learned)

    def rejections(
        self, conversation: Conversation, parts: Sequence[Attachment]
    ) -> tuple[str, ...]:
        """Sentences about attachments that the server or the model is known not to accept."""
        endpoint = self._targets.endpoint
        if endpoint is None:
            return ()
        model = self._targets.model_for(conversation)
        return rejections(parts, endpoint.base_url, endpoint.api, model)

    async def learn(self, conversation: Conversation) -> None:
        """Load what the server rejected for the model, for `form_of`."""
        endpoint, model = self._targets.endpoint, self._targets.model_for(conversation)
        if endpoint is not None and model is not None:
            self._learned[endpoint.public_url] = await self._recall(endpoint.public_url, model)
