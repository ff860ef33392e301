"""The command that opens a picture of a message in the system's viewer."""

import asyncio
from collections.abc import Callable
from typing import Any

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.printable import printable_line
from replyscope.ui.dialogs.small import PickDialog
from replyscope.ui.pictures.source import PictureError, PictureSource, encoded_picture
from replyscope.ui.services import Services
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.transcript import Transcript
from replyscope.ui.working_screen import WorkingScreen


class PictureCommands:
    """Opens the pictures of the message under the cursor of a screen's transcript.

    `is_private` is whether no file may be written.
    """

    def __init__(
        self, screen: WorkingScreen[Any], services: Services, is_private: Callable[[], bool]
    ) -> None:
        self._screen = screen
        self._services = services
        self._is_private = is_private

    @property
    def has_pictures(self) -> bool:
        """Whether the message has a picture."""
        from replyscope.ui.markdown.data_images import has_pictures  # loaded on first use

        content = self._content()
        if content is None:
            return False
        attached = (*content.attachments, *content.images)
        return any(each.picture for each in attached) or has_pictures(content.text)

    def open(self) -> None:
        """Open the picture of the message. With several, a dialog asks which."""
        content = self._content()
        pictures = pictures_of(content) if content is not None else []
        if not pictures:
            self._screen.tell("This message has no picture or file", is_error=False)
        elif self._is_private():
            self._screen.tell("A viewer is given a file, and of a private session none is written.")
        elif len(pictures) == 1:
            self._start(pictures[0][1])
        else:
            rows = [(str(n), f"{n} · {line}") for n, (line, _) in enumerate(pictures, 1)]
            dialog = PickDialog("Open which file?", rows, current=rows[0][0])
            self._screen.ask_dialog(
                dialog, lambda number: self._start(pictures[int(number) - 1][1])
            )

    def _content(self) -> EntryContent | None:
        return self._screen.query_one(Transcript).cursor_content()

    def _start(self, picture: PictureSource) -> None:
        self._screen.start_work(self._open, picture, group="picture")

    async def _open(self, picture: PictureSource) -> None:
        def view() -> None:
            self._services.view_file(picture.file_name, picture.read())

        try:
            await asyncio.to_thread(view)
        except (ReplyscopeError, PictureError) as error:
            self._screen.tell(str(error))
            return
        name = printable_line(picture.name)
        self._screen.tell(f"Opened {name} in the system's viewer", is_error=False)


def pictures_of(content: EntryContent) -> list[tuple[str, PictureSource]]:
    """The pictures of a message with a line about each, in the order in which they are shown."""
    from replyscope.ui.markdown.data_images import pictures_in_text  # loaded on first use

    above, below = (
        [(each.line, each.picture) for each in lines if each.picture is not None]
        for lines in (content.attachments, content.images)
    )
    inside = [
        (printable_line(alt) or "image", encoded_picture(alt or "the picture", encoded))
        for alt, encoded in pictures_in_text(content.text)
    ]
    return [*above, *inside, *below]
