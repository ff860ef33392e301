"""What rules do outside of the conversation: ring, save, run a command."""

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
from replyscope.domain.unicode_text import REPLACE

_log = logging.getLogger(__name__)
_RUN_S = 60.0


class TerminalEffects:
    """Implements RuleEffects. What fails is told by a notification, and is in the log.

    `key_variables` names the variables that hold the providers' keys: a rule's command gets
    those, and others that look like keys, only where the rule names them.
    """

    def __init__(self, key_variables: Callable[[], Sequence[str]] = tuple) -> None:
        self._key_variables = key_variables

    def notify(self, text: str) -> None:
        """A bell, and a desktop notification where the terminal has them."""
        if sys.__stderr__ is not None and sys.__stderr__.isatty():
            sys.__stderr__.write("\a")
            sys.__stderr__.flush()
        notify_desktop(text)

    async def save(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Add the exchange to the file, a line each, for its owner only."""
        try:
            await asyncio.to_thread(_append, Path(rule.file or "").expanduser(), exchange)
        except OSError as error:
            self._tell(rule, str(error))

    async def run(self, rule: Rule, exchange: Mapping[str, Any]) -> None:
        """Run the command, never a shell; it is killed when it takes too long."""
        # Only where a rule runs something.
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
            self._tell(rule, f"the command was stopped after {_RUN_S:g} s")
        except OSError as error:
            self._tell(rule, str(error))
        else:
            if ended.status:
                self._tell(rule, f"the command ended with status {ended.status}")

    def _tell(self, rule: Rule, why: str) -> None:
        _log.warning("the rule %s failed: %s", rule.sentence, why)
        self.notify(f"the rule {rule.sentence} failed: {why}")


def _append(path: Path, exchange: Mapping[str, Any]) -> None:
    line = json.dumps(exchange, ensure_ascii=False) + "\n"
    with append_regular(path) as file:
        file.write(line.encode("utf-8", REPLACE))
