"""The parts of the app that the first paint needs, and the loader of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from replyscope.domain.look import Look, ThemeSource
from replyscope.domain.values import dataclass

if TYPE_CHECKING:  # at run time its imports would delay the first paint
    from replyscope.ui.services import Services


@dataclass(frozen=True, slots=True)
class Opening:
    """The arguments of the app. `theme` is the theme that `look` names, None if its file does
    not exist; `is_fresh` is whether the app starts with a new session. `load` imports and
    builds everything else; it blocks. `hear` is called with each unexpected exception,
    `hear_loop` by the event loop.
    """

    look: Look
    theme: ThemeSource | None
    is_fresh: bool
    load: Callable[[], Services]
    hear: Callable[[BaseException], None] | None = None
    hear_loop: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None] | None = None
