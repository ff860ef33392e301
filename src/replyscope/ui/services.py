"""The services that the screens use. The command line builds them; nothing here does I/O."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from replyscope.domain.look import ThemeSource
from replyscope.engine.services import ChatServices

Tell = Callable[[int, int], None]
"""A progress callback: the units that are done, and the total."""


@dataclass(slots=True)
class Services(ChatServices):
    """The services of one run of the app: those of a chat, the themes, and the undo stack."""

    themes: list[ThemeSource] = field(default_factory=list)
    undo: list[tuple[str, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    """The undo stack of the review screen, the newest last: a description, and the function
    that undoes it.
    """
