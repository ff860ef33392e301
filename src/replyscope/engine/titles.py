"""The title of a session by a model: one request after the first reply, if the settings ask."""

from dataclasses import replace

from replyscope.domain.message import Role, TextPart
from replyscope.domain.session import title_from
from replyscope.engine.aside import ask_aside
from replyscope.engine.conversation import Conversation
from replyscope.engine.services import ChatServices
from replyscope.engine.targets import Targets

SAME = "session"
"""The value of `title_model` for the session's own model."""
_QUESTION = (
    "Write a title of at most six words for this conversation, in its language. "
    "Reply with the title only, without quotation marks."
)
_WIDTH = 60


async def title_by_model(
    conversation: Conversation, targets: Targets, services: ChatServices
) -> str | None:
    """Ask for a title after the first reply, and save it. Returns it; None when the session has
    one already, or a model gave none. The title that a person gave is kept.

    Raises ReplyscopeError when the model can't be asked, or the title can't be saved.
    """
    model = services.settings.title_model
    if model is None or not _wants_title(conversation):
        return None
    target = await targets.target_for(conversation)
    if target is None:
        return None
    if model != SAME:
        target = await targets.named_target(target, targets.find_model(model))
    exchange = await ask_aside(conversation, (TextPart(_QUESTION),), target, services.spending)
    title = _title_in(exchange.choice(0).text)
    if not title or conversation.session.is_title_given:
        return None
    conversation.session = replace(conversation.session, title=title)
    await conversation.save_head()
    return title


def _wants_title(conversation: Conversation) -> bool:
    """Whether the session has one question with a reply, and the title of its first message.
    The content of a private session is sent to no other model.
    """
    messages = conversation.messages
    asked = [message for message in messages if message.role is Role.USER]
    session = conversation.session
    return (
        len(asked) == 1
        and not session.is_title_given
        and not conversation.is_private
        and session.title == title_from(asked[0].text)
        and not any(message.role is Role.ASIDE for message in conversation.tree.messages)
        and bool(conversation.read_messages()[-1].text)
    )


def _title_in(text: str) -> str:
    stripped = text.strip().strip("\"'“”„«»*# \n")
    return title_from(stripped, width=_WIDTH) if stripped else ""
