"""Converts answers on the consent card to decisions, with dialogs where they are needed."""

from replyscope.domain.errors import SettingsError
from replyscope.domain.printable import exact_line
from replyscope.domain.tool import Decision
from replyscope.engine.consent import CallToDecide, allowing_rules
from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.arguments import editable_arguments
from replyscope.ui.chat.consent_card import Answer
from replyscope.ui.chat.desk import Desk
from replyscope.ui.dialogs.small import LineDialog

_YOU = "you, once"


class Decisions:
    """A converter of answers to decisions. Only a call that the person allowed runs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def decide(self, wanted: CallToDecide, answer: Answer) -> Decision | None:
        """The decision for an answer; None when its dialog was cancelled."""
        match answer:
            case Answer.ONCE:
                return Decision(True, _YOU)
            case Answer.SESSION:
                if self._desk.services.consent is not None:
                    self._desk.services.consent.grant(wanted.session_id, wanted.tool)
                return Decision(True, "you, for this session")
            case Answer.ALWAYS:
                return await self._allow_always(wanted)
            case Answer.NO:
                return Decision(False, "you")
            case Answer.BECAUSE:
                why = await self._desk.ask(LineDialog("No, because… (sent to the model)"))
                return None if why is None else Decision(False, "you", why)
            case Answer.EDIT:
                return await self._edit(wanted)

    async def _edit(self, wanted: CallToDecide) -> Decision | None:
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        text = editable_arguments(wanted.call.arguments)
        note = ""
        while True:
            title = f"Arguments of {exact_line(wanted.tool.own_name)}"
            edited = await self._desk.ask(EditDialog(title, text, note))
            if edited is None:
                return None
            problems = check_arguments(edited, wanted.tool.schema).problems
            if not problems:
                return Decision(True, "you, with changed arguments", arguments=edited)
            text, note = edited, problems[0]

    async def _allow_always(self, wanted: CallToDecide) -> Decision | None:
        """Save a rule with a pattern for every argument."""
        from replyscope.ui.dialogs.edit_dialog import EditDialog  # loaded on first use

        if self._desk.archive.is_private(wanted.session_id):
            self._desk.tell("Private sessions cannot save rules. [s] allow for this session")
            return None
        consent = self._desk.services.consent
        if consent is None:
            return None
        lines = "\n".join(f"{name} = {text}" for name, text in await consent.patterns_of(wanted))
        note = (
            "One pattern per argument: * matches all but /, ** all, ? one character, [ab] a or b."
        )
        title = f"Always allow {exact_line(wanted.tool.own_name)} when"
        edited = await self._desk.ask(EditDialog(title, lines, note))
        if edited is None:
            return None
        pairs = [line.partition("=") for line in edited.splitlines() if "=" in line]
        patterns = tuple((name.strip(), pattern.strip()) for name, _, pattern in pairs)
        try:
            rule = await consent.rule_for(wanted, patterns)
        except SettingsError as error:
            self._desk.tell(error)
            return None
        rules = allowing_rules((*self._desk.services.tool_settings().consent, rule))
        if not self._desk.change_settings({("tools", "allow"): rules}):
            return None
        return Decision(True, "you, always (saved in the settings)")
