"""The commands of servers: resources and prompts of tool servers, replies that providers keep."""

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Api
from replyscope.domain.ports import StoredReplies, Toolbox
from replyscope.domain.printable import printable_line, printable_text
from replyscope.domain.remote import RemoteReply, RemoteState
from replyscope.domain.tool import Offer
from replyscope.linear.desk import LinearDesk
from replyscope.linear.replies import send_text
from replyscope.linear.sessions import open_conversation
from replyscope.linear.settings import chosen_tools

_ACTIONS = ("Fetch it as a session", "Cancel it", "Delete it at the provider")


def attach_resource(desk: LinearDesk, _argument: str = "") -> None:
    """Attach a resource of a tool server to the next message."""
    toolbox = _toolbox(desk)
    found = desk.run(toolbox.resources(chosen_tools(desk)))
    resource = _pick(desk, "Which resource?", found)
    if resource is not None:
        part = desk.run(toolbox.read_resource(resource))
        desk.attachments.append(part)
        desk.say("attached", printable_line(part.name))


def use_prompt(desk: LinearDesk, name: str = "") -> None:
    """Fill a prompt of a tool server, read it, and send it."""
    toolbox = _toolbox(desk)
    found = desk.run(toolbox.prompts(chosen_tools(desk)))
    if name:
        found = tuple(prompt for prompt in found if prompt.command == name)
        if not found:
            raise ReplyscopeError(f"There is no prompt {name}.", "/prompt lists them.")
    prompt = found[0] if name else _pick(desk, "Which prompt?", found)
    if prompt is None:
        return
    given: dict[str, str] = {}
    for argument, is_required in prompt.arguments:
        title = argument if is_required else f"{argument} (optional)"
        if value := desk.terminal.ask(f"{title}: ").strip():
            given[argument] = value
        elif is_required:
            raise ReplyscopeError(f"The prompt needs {argument}.")
    text = desk.run(toolbox.fill_prompt(prompt, given))
    desk.say("prompt", printable_text(text))
    if desk.terminal.confirm("Send it?"):
        send_text(desk, text)


def stored_replies(desk: LinearDesk, _argument: str = "") -> None:
    """List the replies that providers keep, and fetch, cancel or delete one."""
    known = [reply for reply in desk.run(desk.services.remote.list()) if _may_be_stored(reply)]
    if not known:
        raise ReplyscopeError("No provider keeps a reply.", "`/params store=yes` keeps the next.")
    at = desk.terminal.choose("Replies stored at providers:", map(_about, known))
    action = desk.terminal.choose("What to do?", _ACTIONS) if at is not None else None
    if at is None or action is None:
        return
    reply, remote = known[at], desk.services.remote
    provider = _provider_of(desk, reply)
    name = printable_line(reply.response_id)
    if action == 0:
        session_id = desk.run(remote.fetch(provider, reply.response_id))
        open_conversation(desk, desk.run(desk.services.archive.open(session_id)))
    elif action == 1:
        desk.say("note", f"{name} is {desk.run(remote.cancel(provider, reply.response_id))}.")
    elif desk.terminal.confirm(f"Delete {name} at the provider? It cannot be restored."):
        desk.run(remote.delete(provider, reply.response_id))
        desk.say("note", f"{name} is deleted at the provider.")


def _toolbox(desk: LinearDesk) -> Toolbox:
    if desk.services.toolbox is None:
        raise ReplyscopeError("There are no tools in this chat.")
    return desk.services.toolbox


def _pick(desk: LinearDesk, title: str, found: tuple[Offer, ...]) -> Offer | None:
    """The chosen offer; None when cancelled. Raises ReplyscopeError if there is none."""
    if not found:
        raise ReplyscopeError("No server of this session has any.", "/tools offers servers.")
    rows = [printable_line(f"{one.command}, {one.about or one.title}") for one in found]
    at = desk.terminal.choose(title, rows)
    return None if at is None else found[at]


def _may_be_stored(reply: RemoteReply) -> bool:
    """Whether a provider may store a reply. Chat Completions does not, unless it says so."""
    return reply.api is Api.RESPONSES or reply.state is not RemoteState.UNKNOWN


def _about(reply: RemoteReply) -> str:
    when = reply.seen_at.astimezone().strftime("%Y-%m-%d %H:%M")
    parts = (reply.response_id, reply.state.value, when, reply.model, reply.endpoint)
    return printable_line(", ".join(parts))


def _provider_of(desk: LinearDesk, reply: RemoteReply) -> StoredReplies:
    """The provider of a reply, if the settings still have it; else the provider in use."""
    endpoint = desk.targets.endpoint
    named = desk.services.settings.endpoint(reply.endpoint)
    if named is not None and named.public_url == reply.base_url:
        endpoint = named
    if endpoint is None:
        raise ReplyscopeError("Choose a provider first (/provider).")
    return desk.run(desk.services.open_provider(endpoint)).stored
