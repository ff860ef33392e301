"""The commands of tool servers: resources, prompts and error reports."""

from collections.abc import Callable

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import Offer
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog


class ServerCommands:
    """Commands of the tool servers whose tools this session offers."""

    def __init__(self, desk: Desk, view: ChatView) -> None:
        self._desk = desk
        self._view = view
        self._prompts: tuple[tuple[str, ...], tuple[Offer, ...]] = ((), ())
        self._told: frozenset[str] = frozenset()
        """The errors of servers that were shown. Each is shown once."""

    def check_servers(self) -> None:
        """Report the errors of servers that have not been reported yet."""
        if not self._desk.is_leaving and any(
            name.startswith("mcp:") for name in self._desk.offered_tools()
        ):
            self._desk.start_work(self._tell_faults, group="server-faults", exclusive=True)

    async def _tell_faults(self) -> None:
        """Show why a tool server, or one of its tools, is not offered."""
        toolbox = self._desk.services.toolbox
        for source in await toolbox.sources() if toolbox is not None else ():
            words = "; ".join(filter(None, (source.fault, *source.notes)))
            if source.name.startswith("mcp:") and words and words not in self._told:
                self._told |= {words}
                self._desk.tell(
                    printable_line(f"{source.name}: {words}"), is_error=bool(source.fault)
                )

    def prompt_rows(self, word: str, learned: Callable[[], None]) -> list[tuple[str, str]]:
        """The prompts of the servers with a prefix, as (command, help). They are loaded in the
        background when a command is first typed; `learned` is called when they are loaded.
        """
        wanted = self._desk.offered_tools()
        if any(name.startswith("mcp:") for name in wanted) and self._prompts[0] != wanted:
            self._prompts = (wanted, ())
            self._desk.start_work(
                self._learn_prompts, wanted, learned, group="prompts", exclusive=True
            )
        rows = [(f"/{prompt.command}", prompt.about or prompt.title) for prompt in self._prompts[1]]
        return [row for row in rows if row[0].lower().startswith(word.lower())]

    async def _learn_prompts(self, wanted: tuple[str, ...], learned: Callable[[], None]) -> None:
        if self._desk.services.toolbox is not None:
            self._prompts = (wanted, await self._desk.services.toolbox.prompts(wanted))
            learned()

    def attach_resource(self) -> None:
        """Attach a resource of a server to the message being written."""
        self._desk.start_work(
            self._attach_resource, group="servers", exclusive=True, holds_keys=True
        )

    async def _attach_resource(self) -> None:
        toolbox = self._desk.services.toolbox
        found = await toolbox.resources(self._desk.offered_tools()) if toolbox is not None else ()
        resource = await self._pick("Attach which resource?", found)
        if resource is None or toolbox is None:
            return
        session_id = self._desk.conversation.session.id
        try:
            self._desk.pending.attach(await toolbox.read_resource(resource), session_id)
        except ReplyscopeError as error:
            self._desk.tell(error)
        self._view.draw_attachments()

    def use_prompt(self, name: str = "") -> None:
        """Insert a prompt of a server into the composer."""
        self._desk.start_work(
            self._use_prompt, name, group="servers", exclusive=True, holds_keys=True
        )

    async def _use_prompt(self, name: str) -> None:
        toolbox = self._desk.services.toolbox
        found = await toolbox.prompts(self._desk.offered_tools()) if toolbox is not None else ()
        named = next((prompt for prompt in found if prompt.command == name), None)
        if name and named is None:
            self._desk.tell(
                f"There is no command /{name}. F1 lists commands, /prompt lists prompts."
            )
            return
        prompt = named or await self._pick("Which prompt?", found)
        if prompt is None or toolbox is None:
            return
        given: dict[str, str] = {}
        for argument, is_required in prompt.arguments:
            title = f"{argument}{'' if is_required else ' (optional)'}"
            dialog = LineDialog(printable_line(title), may_be_empty=not is_required)
            value = await self._desk.ask(dialog)
            if value is None:
                return
            if value:
                given[argument] = value
        try:
            text = await toolbox.fill_prompt(prompt, given)
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        self._view.composer.replace_text(text)
        self._view.composer.focus()

    async def _pick(self, title: str, found: tuple[Offer, ...]) -> Offer | None:
        if not found:
            self._desk.tell(
                "No server of this session has any. F10 chooses servers.", is_error=False
            )
            return None
        rows = [(offer.command, offer.about or offer.title) for offer in found]
        picked = await self._desk.ask(PickDialog(title, rows))
        return next((offer for offer in found if offer.command == picked), None)
