"""What is asked of a model: the branch's messages, and the parameters."""

from dataclasses import dataclass, field

from replyscope.domain.event import WireFrame
from replyscope.domain.message import Message
from replyscope.domain.session import Parameters, Schema
from replyscope.domain.tool import Tool


@dataclass(frozen=True, slots=True)
class Resumption:
    """A response that the server goes on with, and the frames that came of it so far."""

    response_id: str
    frames: tuple[WireFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request, before a provider puts it in its API's form.

    `continues` asks for more of the last (assistant) message instead of an answer.
    `previous_response_id` names what the server already knows: the first `answered`
    messages. `resumes` asks for the rest of a response instead of a new one. `tools` may
    be called; `hosted` are the provider's own, each as the JSON that asks for it. Of what
    `is_private` nothing is written: not even what the server turned out to reject.
    """

    model: str
    messages: tuple[Message, ...]
    system: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    continues: bool = False
    schema: Schema | None = None
    previous_response_id: str | None = None
    answered: int = 0
    resumes: Resumption | None = None
    tools: tuple[Tool, ...] = ()
    hosted: tuple[str, ...] = ()
    is_private: bool = False
