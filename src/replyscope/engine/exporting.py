"""Exports sessions and single exchanges: chooses the store, redacts, and writes the file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from replyscope.domain.errors import SettingsError
from replyscope.domain.message import Role
from replyscope.domain.ports import Store, TranslateFrames
from replyscope.domain.shared import ExchangeForm, Form, Progress, no_progress
from replyscope.engine.output_file import open_output_file
from replyscope.engine.sharing import Sharing
from replyscope.inspection.sharing.redaction import PatternTooSlow, Redactor
from replyscope.inspection.sharing.request_code import as_curl, as_python

_CODE = {ExchangeForm.CURL: as_curl, ExchangeForm.PYTHON: as_python}


def _discard(_text: str) -> None:
    """Write nothing: a preview only counts what would be redacted."""


class Exporter:
    """Exports sessions and exchanges, redacted on request.

    `patterns` returns the redaction patterns of the settings, `home` is the home folder.
    """

    def __init__(
        self,
        store: Store,
        store_of: Callable[[str], Store],
        translate: TranslateFrames,
        patterns: Callable[[], Sequence[str]],
        home: str,
    ) -> None:
        self._store = store
        self._store_of = store_of
        self._translate = translate
        self._patterns = patterns
        self._home = home

    def redactor(self, *, is_on: bool) -> Redactor:
        """A redactor for one export. Raises SettingsError for a pattern that is not valid."""
        try:
            return Redactor(self._patterns(), is_on=is_on, home=self._home)
        except ValueError as error:
            raise SettingsError(f"redact: {error}.", "Correct the settings.") from error

    async def export(
        self,
        ids: Sequence[str],
        form: Form,
        clean: Redactor,
        write: Callable[[str], object] = _discard,
        progress: Progress = no_progress,
        *,
        whole_only: bool = False,
    ) -> int:
        """Write sessions. Returns the number of characters. Without `write` it is a preview.

        Raises SettingsError, StoreError.
        """
        stores = {self._store_of(session_id) for session_id in ids}
        # A private session is exported alone: no list shows it together with saved ones.
        store = stores.pop() if len(stores) == 1 else self._store
        with _slow_patterns():
            return await Sharing(store, self._translate, whole_only=whole_only).export(
                ids, form, write, clean, lambda done: progress(done, len(ids), done)
            )

    async def export_to_file(
        self,
        ids: Sequence[str],
        form: Form,
        path: Path | None,
        clean: Redactor,
        progress: Progress = no_progress,
    ) -> list[str]:
        """Write sessions to a file. Returns sentences about the redactions.

        Without a path it is a preview. Raises OutputError, SettingsError, StoreError.
        """
        if path is None:
            await self.export(ids, form, clean, progress=progress)
        else:
            with open_output_file(path) as write:
                await self.export(ids, form, clean, write, progress)
        return clean.report

    async def last_exchange(self, session_id: str) -> str:
        """The id of the exchange of a session's last reply. Raises SettingsError, StoreError."""
        stored = await self._store_of(session_id).load_session(session_id)
        sources = [s for m in stored.branch if m.role is Role.ASSISTANT for s in m.sources]
        if not sources:
            raise SettingsError(f"Session {session_id} has no reply.")
        return sources[-1].exchange_id

    async def exchange_text(self, exchange_id: str, form: ExchangeForm, clean: Redactor) -> str:
        """One exchange as text. Raises SettingsError, StoreError."""
        with _slow_patterns():
            if form is ExchangeForm.SSE:
                text = await Sharing(self._store).stream_text(exchange_id, clean)
                if not text:
                    raise SettingsError(f"There is no exchange {exchange_id} with frames.")
                return text
            record = await self._store.load_wire(exchange_id)
            if record.request is None:
                raise SettingsError(f"There is no exchange {exchange_id} with a request.")
            return _CODE[form](record.request, clean)


@contextmanager
def _slow_patterns() -> Iterator[None]:
    try:
        yield
    except PatternTooSlow as error:
        raise SettingsError(str(error), "Make the pattern narrower in the settings.") from error
