"""Asks for consent to a tool call, in words. Only a whole word that was typed after the
question counts.
"""

import json
from collections.abc import Callable

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import APPROVAL
from replyscope.domain.json_text import read_json
from replyscope.domain.printable import exact_line, exact_text
from replyscope.domain.tool import Decision
from replyscope.engine.consent import CallToDecide, allowing_rules
from replyscope.inspection.argument_check import check_arguments
from replyscope.inspection.arguments import editable_arguments, pretty_arguments
from replyscope.linear.desk import LinearDesk

MOST_SHOWN = 100_000
"""A longer call, in characters, can only be refused: it is too long to read."""
_LONGEST_LINE = 300
Answer = Callable[[CallToDecide], Decision | None]
"""Turns an answer into a decision; None asks again."""


class ConsentQuestions:
    """Asks the person about tool calls. Each answer is a decision of the engine."""

    def __init__(self, desk: LinearDesk) -> None:
        self._desk = desk

    def decide(self, wanted: CallToDecide) -> Decision:
        """Ask until there is an answer. Raises KeyboardInterrupt or EOFError to stop the turn."""
        self._introduce(wanted)
        answers = self._answers(wanted)
        question = f"{self._question(wanted)} {' / '.join(_offered(answers))}: "
        while True:
            word = self._desk.terminal.ask_now(question).strip().lower()
            answer = answers.get(word)
            if answer is None:
                self._desk.say("error", f"Type one whole word: {', '.join(answers)}.")
                continue
            decision = answer(wanted)
            if decision is not None:
                return decision

    def _introduce(self, wanted: CallToDecide) -> None:
        tool = wanted.tool
        source, access = exact_line(tool.origin), exact_line(tool.touches) or "unknown"
        self._desk.say("tool", f"{exact_line(tool.own_name)} from {source}. Access: {access}")
        if len(wanted.call.arguments) > MOST_SHOWN:
            size = f"{len(wanted.call.arguments):,} characters"
            self._desk.say("tool", f"This call is too long to read ({size}). You can refuse it.")
        elif short_arguments(wanted.call.arguments) is None:
            self._desk.say("arguments", exact_text(pretty_arguments(wanted.call.arguments)))

    def _question(self, wanted: CallToDecide) -> str:
        short = short_arguments(wanted.call.arguments)
        shown = "the arguments above" if short is None else short
        return f"Allow {exact_line(wanted.tool.own_name)}({shown})?"

    def _answers(self, wanted: CallToDecide) -> dict[str, Answer]:
        """The answers that are offered. A tool that always asks is allowed once only, and so is
        an approval for the provider, whose arguments cannot be edited either.
        """
        no: dict[str, Answer] = {"no": self._refuse, "because": self._refuse_with_reason}
        if len(wanted.call.arguments) > MOST_SHOWN:
            return no
        answers: dict[str, Answer] = {"yes": self._allow, **no}
        is_providers = wanted.call.kind == APPROVAL
        if not wanted.tool.always_asks and not is_providers:
            answers |= {"always": self._allow_always, "session": self._allow_in_session}
        if not is_providers and not self._desk.services.archive.is_private(wanted.session_id):
            answers["edit"] = self._edit  # an editor writes files
        return {**answers, "details": self._explain}

    def _allow(self, _wanted: CallToDecide) -> Decision:
        return Decision(True, "you, once")

    def _refuse(self, _wanted: CallToDecide) -> Decision:
        return Decision(False, "you")

    def _refuse_with_reason(self, _wanted: CallToDecide) -> Decision:
        return Decision(False, "you", self._desk.terminal.ask("Reason, for the model: ").strip())

    def _allow_in_session(self, wanted: CallToDecide) -> Decision:
        if self._desk.services.consent is not None:
            self._desk.services.consent.grant(wanted.session_id, wanted.tool)
        return Decision(True, "you, for this session")

    def _edit(self, wanted: CallToDecide) -> Decision | None:
        """The call with other arguments, written in the editor or as a line of JSON."""
        try:
            edited = self._desk.services.edit_text(editable_arguments(wanted.call.arguments))
        except ReplyscopeError as error:
            self._desk.say("error", str(error))
            return None
        problems = check_arguments(edited, wanted.tool.schema).problems
        if problems:
            self._desk.say("error", f"The arguments do not fit: {problems[0]}.")
            return None
        self._desk.say("changed arguments", exact_text(pretty_arguments(edited)))
        if not self._desk.terminal.confirm("Run it with these arguments?"):
            return None
        return Decision(True, "you, with changed arguments", arguments=edited)

    def _allow_always(self, wanted: CallToDecide) -> Decision | None:
        """Save a rule with a pattern for every argument, after a confirmation."""
        desk = self._desk
        consent = desk.services.consent
        if desk.services.archive.is_private(wanted.session_id):
            desk.say("error", "Private sessions cannot save rules. `session` allows it here.")
            return None
        if consent is None:
            return None
        patterns = desk.run(consent.patterns_of(wanted))
        shown = " and ".join(f"{exact_line(n)} is {exact_line(p)}" for n, p in patterns)
        name = exact_line(wanted.tool.full_name)
        desk.say("rule", f"Always allow {name}{f' when {shown}' if shown else ''}.")
        if not desk.terminal.confirm("Save this rule in the settings?"):
            return None
        try:
            rule = desk.run(consent.rule_for(wanted, patterns))
            rules = allowing_rules((*desk.services.tool_settings().consent, rule))
            desk.services.change_settings({("tools", "allow"): rules})
        except ReplyscopeError as error:
            desk.say("error", str(error))
            return None
        return Decision(True, "you, always (saved in the settings)")

    def _explain(self, wanted: CallToDecide) -> None:
        tool = wanted.tool
        self._desk.say("description", exact_text(tool.description.strip()) or "none")
        self._desk.say("name in rules", exact_line(tool.full_name))
        self._desk.say("arguments", exact_text(pretty_arguments(wanted.call.arguments)) or "none")
        self._desk.say("schema", exact_text(pretty_arguments(tool.schema)))
        for word, text in _MEANINGS.items():
            if word in self._answers(wanted):
                self._desk.say(word, text)


_MEANINGS = {
    "yes": "run it once",
    "no": "refuse it",
    "because": "refuse it, with a reason for the model",
    "always": "save a rule that allows this call",
    "session": "allow this tool in this session",
    "edit": "change the arguments first, in $EDITOR",
}
_SHORT = ("yes", "no", "always", "details")


def _offered(answers: dict[str, Answer]) -> list[str]:
    """The answers that the question names; `details` explains all answers."""
    return [word for word in _SHORT if word in answers]


def short_arguments(arguments: str) -> str | None:
    """Arguments as `name=value` pairs in one line, exactly; None if they do not fit in one."""
    try:
        value = read_json(arguments or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not all(n.isascii() and n.isidentifier() for n in value):
        return None
    pairs = (f"{name}={json.dumps(one, ensure_ascii=False)}" for name, one in value.items())
    line = exact_line(", ".join(pairs))
    return line if len(line) <= _LONGEST_LINE else None
