"""What tool servers have beside tools: resources to attach, prompts to send, and faults."""

from textual import on

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.domain.tool import Offer
from replyscope.ui.chat.tools import ToolActions
from replyscope.ui.chat.turns import TurnEnded
from replyscope.ui.dialogs.small import LineDialog, PickDialog


class ServerActions(ToolActions):
    """The servers are those whose tools this session offers."""

    _prompts: tuple[tuple[str, ...], tuple[Offer, ...]] = ((), ())
    _told: frozenset[str] = frozenset()
    """The faults of servers that were shown. Each is shown once."""

    @on(TurnEnded)
    def _check_servers(self) -> None:
        if not self.is_leaving and any(name.startswith("mcp:") for name in self._wanted()):
            self.start_work(self._tell_faults, group="server-faults", exclusive=True)

    async def _tell_faults(self) -> None:
        """Show why a tool server, or a tool of one, was not offered."""
        toolbox = self.services.toolbox
        for source in await toolbox.sources() if toolbox is not None else ():
            words = "; ".join(filter(None, (source.fault, *source.notes)))
            if source.name.startswith("mcp:") and words and words not in self._told:
                self._told |= {words}
                self.tell(printable_line(f"{source.name}: {words}"), is_error=bool(source.fault))

    def prompt_rows(self, word: str) -> list[tuple[str, str]]:
        """The servers' prompts that begin so, as (command, help). They are learnt in the
        background when a command is first typed, and offered from then on.
        """
        wanted = self._wanted()
        if any(name.startswith("mcp:") for name in wanted) and self._prompts[0] != wanted:
            self._prompts = (wanted, ())
            self.start_work(self._learn_prompts, wanted, group="prompts", exclusive=True)
        rows = [(f"/{prompt.command}", prompt.about or prompt.title) for prompt in self._prompts[1]]
        return [row for row in rows if row[0].lower().startswith(word.lower())]

    async def _learn_prompts(self, wanted: tuple[str, ...]) -> None:
        if self.services.toolbox is not None:
            self._prompts = (wanted, await self.services.toolbox.prompts(wanted))
            self.offer_completions()

    def offer_completions(self) -> None:
        """Draw the list of completions again."""

    def _wanted(self) -> tuple[str, ...]:
        chosen = self.conversation.session.settings.tools
        return self.services.tool_settings().enabled if chosen is None else chosen

    def action_attach_resource(self) -> None:
        """Attach a resource of a server to the message that is written."""
        self.start_work(self._attach_resource, group="servers", exclusive=True)

    async def _attach_resource(self) -> None:
        toolbox = self.services.toolbox
        found = await toolbox.resources(self._wanted()) if toolbox is not None else ()
        resource = await self._pick("Attach which resource?", found)
        if resource is None or toolbox is None:
            return
        session_id = self.conversation.session.id
        try:
            self.pending.attach(await toolbox.read_resource(resource), session_id)
        except ReplyscopeError as error:
            self.tell(error)
        self.draw_attachments()

    def action_use_prompt(self, name: str = "") -> None:
        """Write a prompt of a server into the composer."""
        self.start_work(self._use_prompt, name, group="servers", exclusive=True)

    async def _use_prompt(self, name: str) -> None:
        toolbox = self.services.toolbox
        found = await toolbox.prompts(self._wanted()) if toolbox is not None else ()
        named = next((prompt for prompt in found if prompt.command == name), None)
        if name and named is None:
            self.tell(f"There is no command /{name}. F1 lists them, /prompt those of servers.")
            return
        prompt = named or await self._pick("Which prompt?", found)
        if prompt is None or toolbox is None:
            return
        given: dict[str, str] = {}
        for argument, is_required in prompt.arguments:
            title = f"{argument}{'' if is_required else ' (may be left empty)'}"
            dialog = LineDialog(printable_line(title), may_be_empty=not is_required)
            value = await self.app.push_screen_wait(dialog)
            if value is None:
                return
            if value:
                given[argument] = value
        try:
            text = await toolbox.fill_prompt(prompt, given)
        except ReplyscopeError as error:
            self.tell(error)
            return
        self.composer.replace_text(text)
        self.composer.focus()

    async def _pick(self, title: str, found: tuple[Offer, ...]) -> Offer | None:
        if not found:
            self.tell("No server of this session has any. F10 chooses servers.", is_error=False)
            return None
        rows = [(offer.command, offer.about or offer.title) for offer in found]
        picked = await self.app.push_screen_wait(PickDialog(title, rows))
        return next((offer for offer in found if offer.command == picked), None)
