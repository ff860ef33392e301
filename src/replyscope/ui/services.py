"""The services that the screens use. The command line builds them; nothing here does I/O."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from replyscope.domain.look import ThemeSource
from replyscope.engine.services import ChatServices
from replyscope.engine.undo import UndoList

Tell = Callable[[int, int, int], None]
"""A progress callback: the units that are done, the total, and the number of sessions."""


@dataclass(slots=True, eq=False, repr=False)
class Services(ChatServices):
    """The services of one run of the app: the services of a chat, the themes, and the undo stack.

    `open_hub` returns the services of a review that reads the hub; None for the local archive.
    `hub_name` is the hub that these services read, and `is_here` says whether the archive of this
    machine has a session of that hub.
    """

    themes: list[ThemeSource] = field(default_factory=list)
    undo: UndoList = field(default_factory=UndoList)
    open_hub: "Callable[[], Awaitable[Services]] | None" = None
    hub_name: str = ""
    is_here: Callable[[str], Awaitable[bool]] | None = None
