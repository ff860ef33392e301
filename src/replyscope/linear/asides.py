"""The commands /aside, /stash and /quote, and titles by a model."""

from functools import partial

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.event import Event, RefusalDelta, TextDelta
from replyscope.domain.message import TextPart
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.session import Draft
from replyscope.engine.aside import ask_aside
from replyscope.engine.quoting import quoted
from replyscope.engine.titles import title_by_model
from replyscope.inspection.explain import explain
from replyscope.inspection.figures import cost
from replyscope.linear.desk import LinearDesk
from replyscope.linear.flow import LabelledFlow


def aside(desk: LinearDesk, question: str = "") -> None:
    """Ask a side question: it is answered with this context, and not part of later requests."""
    if not question:
        raise ReplyscopeError("There is no question.", "/aside QUESTION asks one.")
    conversation = desk.conversation
    target = desk.run(desk.targets.target_for(conversation))
    if target is None:
        raise ReplyscopeError("No model is chosen.", "/model chooses one.")
    flow = LabelledFlow(desk.terminal, "aside")

    def listen(event: Event) -> None:
        if isinstance(event, TextDelta | RefusalDelta):
            desk.turns.queue(partial(flow.feed, event.text))

    parts = (TextPart(question),)
    asking = ask_aside(conversation, parts, target, desk.services.spending, listen)
    try:
        exchange = desk.turns.run_beside(asking)
        if not flow.has_begun:
            flow.feed("no text")
    finally:
        flow.finish()
    if exchange.failure is not None:
        desk.say("error", printable_line(str(exchange.failure)))
    ending = explain(exchange, 0)
    desk.say("finish", f"{ending.word}; cost {cost(exchange)}; not part of later requests")


def stash(desk: LinearDesk, text: str = "") -> None:
    """Put a text and the attachments aside, or take the newest back."""
    conversation = desk.conversation
    if text and text != "pop":
        desk.run(conversation.push_stash(Draft(text, tuple(desk.attachments))))
        desk.attachments.clear()
        number = plural(conversation.session.stashed, "message")
        desk.say("stash", f"{number}. /stash pop takes the newest back.")
        return
    draft = desk.run(conversation.pop_stash())
    if draft is None:
        raise ReplyscopeError("The stash of this session is empty.", "/stash TEXT fills it.")
    desk.attachments += draft.attachments
    desk.terminal.typed.begin_with(draft.text)
    for part in draft.attachments:
        desk.say("attached", printable_line(part.name))


def quote(desk: LinearDesk, words: str = "") -> None:
    """Begin the next message with a quote: the last reply, or its paragraphs with these words."""
    _, _, choice = desk.last_reply()
    paragraphs = choice.text.split("\n\n")
    wanted = words.casefold()
    found = "\n\n".join(one for one in paragraphs if wanted in one.casefold())
    if not found.strip():
        raise ReplyscopeError("The last reply has no such text.")
    desk.terminal.typed.begin_with(quoted(found))


def title(desk: LinearDesk) -> None:
    """Write the title with a model after the first reply, if `title_model` is set."""
    if desk.services.settings.title_model is None:
        return
    writing = title_by_model(desk.conversation, desk.targets, desk.services)
    try:
        written = desk.turns.run_beside(writing)
    except ReplyscopeError as error:
        desk.say("error", printable_line(f"No title was written: {error}"))
        return
    if written is not None:
        desk.say("title", printable_line(written))
