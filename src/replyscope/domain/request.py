"""The request to a model: the branch's messages, and the parameters."""

from dataclasses import field

from replyscope.domain.event import WireFrame
from replyscope.domain.message import Message
from replyscope.domain.session import Parameters, Schema
from replyscope.domain.tool import Tool
from replyscope.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Resumption:
    """A running background response, and its frames so far."""

    response_id: str
    frames: tuple[WireFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request, independent of the API.

    `continues` requests a continuation of the last (assistant) message instead of an answer.
    The server already stores the first `answered` messages: `previous_response_id` refers to
    them, or the parameter `conversation` does. `compacts` requests a compacted conversation from
    the server instead of an answer (Responses only). `resumes` requests the rest of a response
    instead of a new one. `tools` may be called; `hosted` are tools of the provider, each as JSON
    for the request. With `is_private` nothing is saved: not even the parameters that the server
    rejects.
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
    compacts: bool = False
