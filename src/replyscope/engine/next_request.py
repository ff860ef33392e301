"""The next request of a session before it is sent: its parts, its tokens, its exact bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import RequestSent
from replyscope.domain.message import Message, Part, Role
from replyscope.domain.request import ModelRequest
from replyscope.domain.session import path_to
from replyscope.domain.tool import Tool
from replyscope.engine.branch import read_in, read_in_all
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Destination, Target
from replyscope.engine.request_builder import make_request
from replyscope.engine.targets import Targets
from replyscope.inspection.request_parts import DRAFT_ID, RequestSize, request_size


@dataclass(frozen=True, slots=True)
class NextRequest:
    """The next request of a session with the message that is being written.

    `draft` are the parts of that message; it may be empty. `instead_of` is the earlier message
    whose sibling it becomes. `tools` are offered to the model.
    """

    targets: Targets
    conversation: Conversation
    draft: Sequence[Part] = ()
    tools: tuple[Tool, ...] = ()
    instead_of: Message | None = None

    def size(self) -> RequestSize:
        """The parts of the request, with estimated tokens. Opens no connection."""
        exchanges = self.conversation.exchanges
        planned = self.targets.planned(self.conversation)
        if planned is None:
            branch = read_in_all(self._branch, exchanges)
            settings = self.conversation.session.settings
            request = ModelRequest("", self._with_draft(branch), settings.system)
            return request_size(request, branch, exchanges)
        request = self._request(planned)
        sent = {message.id for message in request.messages}
        # Those that are sent were read for the request.
        whole = [m if m.id in sent else read_in(m, exchanges) for m in self._branch]
        window = self.targets.window_of(planned.model, planned.endpoint)
        return request_size(request, whole, exchanges, window)

    async def preview(self) -> RequestSent:
        """The HTTP request as it would be sent, with masked keys. Raises ReplyscopeError."""
        target = await self._target()
        return await target.provider.preview(self._request(target))

    async def measured(self) -> RequestSize:
        """The parts with the tokens that the server counts. This sends a request.

        Raises ReplyscopeError.
        """
        target = await self._target()
        tokens = await target.provider.count_input(self._request(target))
        return self.size().measured(tokens)

    @property
    def _branch(self) -> list[Message]:
        """The messages above the draft."""
        if self.instead_of is None:
            return self.conversation.messages
        nodes = {message.id: message for message in self.conversation.tree.messages}
        return path_to(self.instead_of.parent_id, nodes)

    async def _target(self) -> Target:
        if not self._branch and not self.draft:
            raise ReplyscopeError("There is nothing to send yet.", "Write a message first.")
        target = await self.targets.target_for(self.conversation)
        if target is None:
            raise ReplyscopeError("No model is chosen.", "/model chooses one.")
        return target

    def _request(self, destination: Destination) -> ModelRequest:
        return make_request(
            self.conversation.session.settings,
            self._with_draft(self._branch),
            self.conversation.exchanges,
            destination,
            self.tools,
            continues=False,
            is_private=self.conversation.is_private,
        )

    def _with_draft(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """The messages and the draft. An empty draft is not sent, but allows the last message to be
        left out.
        """
        session = self.conversation.session
        draft = Message(DRAFT_ID, Role.USER, tuple(self.draft), session.updated_at, session.head_id)
        return (*messages, draft)
