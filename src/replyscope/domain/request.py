"""What is asked of a model: the branch's messages, and the parameters."""

from dataclasses import dataclass, field

from replyscope.domain.message import Message
from replyscope.domain.session import Parameters


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request, before a provider puts it in its API's form.

    `continues` asks for more of the last (assistant) message instead of an answer.
    """

    model: str
    messages: tuple[Message, ...]
    system: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    continues: bool = False
