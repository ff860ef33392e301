"""The actions of rules outside of the conversation: notify, save, run a command."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from replyscope.cli.system import notify_desktop
from replyscope.domain.environment import with_absolute_paths
from replyscope.domain.regular_file import append_regular
from replyscope.domain.rule import Rule
from replyscope.domain.typed_path import typed_path
from replyscope.domain.unicode_text import REPLACE

_log = logging.getLogger(__name__)
_RUN_S = 60.0


class TerminalEffects:
    """Implements RuleEffects. A failed action is reported by a notification and in the log.

    `key_variables` returns the environment variables that hold API keys. A rule's command gets
    them, and others that look like keys, only if the rule names them.
    """

    def __init__(self, key_variables: Callable[[], Sequence[str]] = tuple) -> None:
        self._key_variables = key_variables

    def notify(self, text: str) -> None:
        """Ring the bell, and show a desktop notification if the terminal supports it."""
        if sys.__stderr__ is not None and sys.__stderr__.isatty():
            sys.__stderr__.write("\a")
            sys.__stderr__.flush()
        notify_desktop(text)

    async def save(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Append the exchange to the rule's file as a line of JSON, readable by its owner only."""
        try:
            await asyncio.to_thread(_append, typed_path(rule.file or ""), exchange)
        except OSError as error:
            self._report(rule, str(error))

    async def run(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Run the rule's command without a shell, with the exchange as JSON on its stdin.

        It is killed after 60 s.
        """
        # Imported only if a rule runs a command.
        from replyscope.domain.environment import without_secrets
        from replyscope.toolbox.process import run_process

        environment = without_secrets(
            with_absolute_paths(os.environ, separator=os.pathsep),
            ["OPENAI_API_KEY", *self._key_variables()],
        )
        named = {name: os.environ[name] for name in rule.variables if name in os.environ}
        given = json.dumps(exchange).encode()
        try:
            async with asyncio.timeout(_RUN_S):
                ended = await run_process(
                    rule.command, given=given, environment=environment | named
                )
        except TimeoutError:
            self._report(rule, f"the command was stopped after {_RUN_S:g} s")
        except OSError as error:
            self._report(rule, str(error))
        else:
            if ended.status:
                self._report(rule, f"the command ended with status {ended.status}")

    def _report(self, rule: Rule, why: str) -> None:
        _log.warning("the rule %s failed: %s", rule.sentence, why)
        self.notify(f"the rule {rule.sentence} failed: {why}")


def _append(path: Path, exchange: Mapping[str, Any]) -> None:
    line = json.dumps(exchange, ensure_ascii=False) + "\n"
    with append_regular(path) as file:
        file.write(line.encode("utf-8", REPLACE))
