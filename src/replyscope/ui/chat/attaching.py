"""The commands that attach files, folders, pastes and pictures to the message being written."""

from collections.abc import Callable, Sequence
from pathlib import Path

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.message import Attachment
from replyscope.domain.picture import read_picture
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.typed_path import typed_path
from replyscope.domain.unicode_text import byte_count
from replyscope.engine.attachments import ReadFiles, is_quick, read_attachment
from replyscope.engine.clipboard import Clipboard
from replyscope.engine.conversation import Conversation
from replyscope.engine.dropped_paths import dropped_paths
from replyscope.inspection.figures import size
from replyscope.ui.chat.desk import Desk
from replyscope.ui.chat.drafts import Drafts
from replyscope.ui.chat.view import ChatView
from replyscope.ui.dialogs.small import LineDialog, PickDialog

_ATTACH, _INSERT = "attach", "insert"


class Attaching:
    """Attaches files. Small ones are read at once; others in a worker, and the line above the
    composer shows their names meanwhile.
    """

    def __init__(self, desk: Desk, view: ChatView, drafts: Drafts) -> None:
        self._desk = desk
        self._view = view
        self._drafts = drafts
        self.on_read: Callable[[str, bool], None] = lambda _session_id, _is_attached: None
        """A callback after each file: the session, and whether the file was attached."""

    def attach_file(self, path: str) -> bool:
        """Attach a file or a folder. Returns whether it was attached, or is being read."""
        try:
            file = self._desk.services.working_folder / typed_path(path)
            if not is_quick(file):
                self._start_reading(file)
                return True
            notes: list[str] = []
            part = read_attachment(file, notes)
        except ReplyscopeError as error:
            self._desk.tell(str(error))
            return False
        self._take(ReadFiles((part,), tuple(notes)), self._desk.conversation, str(file))
        return True

    def _start_reading(self, file: Path) -> None:
        conversation = self._desk.conversation
        self._desk.pending.start_reading(conversation.session.id, file.name)
        self._view.draw_attachments()
        self._desk.start_work(self._read, file, conversation, group="attachments")

    async def _read(self, file: Path, conversation: Conversation) -> None:
        session_id = conversation.session.id
        reader = self._desk.services.attachments
        assert reader is not None
        try:
            await self._desk.targets.forms.learn(conversation)
            attached = await reader.read(file)
        except ReplyscopeError as error:
            self._desk.tell(error)
            attached = ReadFiles(())
        finally:
            self._desk.pending.end_reading(session_id, file.name)
        self._take(attached, conversation, str(file))
        self.on_read(session_id, bool(attached.parts))

    def _take(self, attached: ReadFiles, conversation: Conversation, source: str = "") -> None:
        """Attach the parts in the conversation's session, and show notes about them. The draft of
        a session that is not open is saved: nothing else would save it.
        """
        for part in attached.parts:
            self._desk.pending.attach(part, conversation.session.id, source)
        for note in (*attached.notes, *self._rejections(attached.parts)):
            self._desk.tell(note, is_error=False)
        if attached.parts and conversation.session.id != self._desk.conversation.session.id:
            self._desk.start_work(self._drafts.save_left, (conversation,), group="draft")
        self._view.draw_attachments()

    def _rejections(self, parts: Sequence[Attachment]) -> tuple[str, ...]:
        return self._desk.targets.forms.rejections(self._desk.conversation, parts)

    def attach(self, path: str = "") -> None:
        """Attach a file by its path."""
        if not path:
            dialog = LineDialog("Path of a file or a folder")
            self._desk.ask_dialog(dialog, self.attach)
            return
        for named in dropped_paths(path) or (path,):  # a path may be quoted
            self.attach_file(str(named))

    def attach_paste(self, text: str) -> None:
        """Attach a paste that is too large to edit."""
        part = self._desk.pending.attach_paste(text)
        self._desk.tell(f"Pasted as {part.name}, {size(byte_count(part.text))}", is_error=False)
        self._view.draw_attachments()

    def offer_dropped(self, text: str, paths: Sequence[Path]) -> None:
        """Ask whether to attach the files whose paths were pasted, or to insert the paths. That
        is first: an Enter that was typed before the dialog was visible must not attach a file.
        Esc inserts them too, or the paste would be lost. Other text is inserted after them.
        """
        named = ", ".join(printable_line(path.name) for path in paths[:3])
        names = named if len(paths) < 4 else plural(len(paths), "file")
        title = f"Insert the path, or attach {names}?"
        rows = [(_INSERT, "the path as text"), (_ATTACH, "send the content with the message")]

        def decide(choice: str | None) -> None:
            if choice == _ATTACH:
                for path in paths:
                    self.attach_file(str(path))
            else:
                written_on = choice if choice not in (None, _INSERT) else ""
                self._view.composer.insert(f"{text} {written_on}" if written_on else text)

        dialog = PickDialog(title, rows, is_free=True)
        dialog.placeholder = "or continue the sentence"
        self._desk.show(dialog, decide)

    def paste_clipboard(self, copied: str) -> None:
        """Attach the picture on the clipboard; without one insert the text that was copied in
        the program. Later keys wait, so that they are typed after it.
        """
        clipboard = self._desk.services.clipboard
        if clipboard is not None and (clipboard.program() is not None or not copied):
            self._desk.start_work(
                self._paste, clipboard, copied, group="clipboard", exclusive=True, holds_keys=True
            )
        elif copied:
            self._view.composer.insert(copied)

    async def _paste(self, clipboard: Clipboard, copied: str) -> None:
        conversation = self._desk.conversation
        try:
            data = await clipboard.picture()
            if data is not None:
                await self._attach_picture(data, conversation)
                return
        except ReplyscopeError as error:
            self._desk.tell(error)
            return
        if copied:
            self._view.composer.insert(copied)
        else:
            self._desk.tell("There is no picture on the clipboard.", is_error=False)

    async def _attach_picture(self, data: bytes, conversation: Conversation) -> None:
        reader = self._desk.services.attachments
        assert reader is not None
        picture = read_picture(data)
        suffix = picture.media_type.removeprefix("image/") if picture is not None else "bmp"
        name = self._desk.pending.paste_name(suffix, conversation.session.id)
        self._take(await reader.read_bytes(name, data), conversation)
