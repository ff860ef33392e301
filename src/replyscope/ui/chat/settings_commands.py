"""The commands that change a setting by its name, and that report what the session used."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from replyscope.domain import limits
from replyscope.domain.plural import plural
from replyscope.engine.parameter_layers import effective
from replyscope.inspection.figures import dollars
from replyscope.ui.chat.commands import CommandLine
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.panes import Panes
from replyscope.ui.chat.status import usage_parts
from replyscope.ui.dialogs.small import PickDialog

_SETTINGS = ("model", "provider", "api", "system", "params", "n", "schema", "tools", "mcp", "theme")


class SettingsCommands:
    """Commands of settings and usage. `run` runs a command by its name, with the text after it."""

    def __init__(
        self,
        desk: Desk,
        panes: Panes,
        commands: Sequence[CommandLine],
        run: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._panes = panes
        self._commands = {command.name: command for command in commands}
        self._run = run

    def choose_setting(self) -> None:
        """Choose a command that changes a setting, and run it."""
        rows = [(name, self._commands[name].help) for name in _SETTINGS]

        def change(name: str) -> None:
            self._desk.start_work(self._change, name, group="settings")

        self._desk.ask_dialog(PickDialog("Settings", rows), change)

    async def _change(self, name: str) -> None:
        await self._run(name, "")

    def set_choices(self, number: str = "") -> None:
        """Set how many answers a request asks for; 1 is the default of servers."""
        from replyscope.domain.typed_number import shortened, whole_number  # loaded on first use

        if not number:
            rows = [(str(n), "answer" if n == 1 else "answers") for n in range(1, 9)]
            now = self._desk.targets.parameters_of(self._desk.conversation).n or 1
            dialog = PickDialog("Answers to a message", rows, current=str(now), is_free=True)
            self._desk.ask_dialog(dialog, self.set_choices)
            return
        n = whole_number(number)
        if n is None or n not in limits.CHOICES:
            self._desk.tell(
                f"n must be a whole number {limits.CHOICES}, not {shortened(number)!r}."
            )
            return
        conversation = self._desk.conversation
        settings = conversation.session.settings
        default = effective(self._desk.targets.parameter_layers(conversation)[:-1]).n or 1
        parameters = settings.parameters.changed({"n": n if n != default else None})
        self._desk.apply_settings(conversation, replace(settings, parameters=parameters))
        answers = plural(n, "answer")
        self._desk.tell(f"{answers} to each message, from the next one on.", is_error=False)

    def show_usage(self) -> None:
        """Report the tokens and the cost of the open session."""
        parts = usage_parts(self._panes.status())
        limits = self._desk.services.settings.limits
        named = (("session", limits.session_usd), ("day", limits.day_usd))
        parts += [f"{name} limit {dollars(usd)}" for name, usd in named if usd is not None]
        text = " · ".join(parts) if parts else "This session has used no tokens yet"
        self._desk.tell(f"{text}. [F9] shows all replies.", is_error=False)
