"""Hands sessions on: one or many, in the form that is asked for, a session at a time."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import StrEnum

from replyscope.domain.errors import SessionNotFound
from replyscope.domain.ports import Store
from replyscope.domain.shared import Shared
from replyscope.inspection.sharing.html import page_end, page_start, session_html
from replyscope.inspection.sharing.jsonl import session_jsonl
from replyscope.inspection.sharing.markdown import session_markdown
from replyscope.inspection.sharing.redaction import Redactor
from replyscope.inspection.sharing.session_json import FORMAT, session_to_json
from replyscope.inspection.wire import frames_text


class Form(StrEnum):
    """What a session can be handed on as."""

    MARKDOWN = "md"
    JSON = "json"
    JSONL = "jsonl"
    HTML = "html"


class Sharing:
    """Reads what is saved; nothing is changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def export(
        self,
        session_ids: Sequence[str],
        form: Form,
        write: Callable[[str], object],
        clean: Redactor,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> None:
        """Write sessions one by one, so that any number fits. Raises StoreError.

        Several in JSON are {"format", "sessions": […]}; one is the session itself.
        """
        many_json = form is Form.JSON and len(session_ids) != 1
        if many_json:
            write(f'{{"format": "{FORMAT}", "sessions": [\n')
        separator = ""
        for number, session_id in enumerate(session_ids):
            with suppress(SessionNotFound):  # removed in another window meanwhile
                shared = await self._store.load_shared(session_id, with_wire=form is Form.JSON)
                if form is Form.HTML and not number:
                    title = shared.session.title if len(session_ids) == 1 else "replyscope"
                    write(page_start(clean(title)))
                write(separator + _written(shared, form, clean))
                separator = ",\n" if many_json else "\n" if form is Form.MARKDOWN else ""
            progress(number + 1)
        write(_end(form, clean, is_list=many_json))

    async def stream_text(self, exchange_id: str) -> str:
        """The frames of an exchange as they came. Raises StoreError."""
        return frames_text((await self._store.load_wire(exchange_id)).frames)


def _written(shared: Shared, form: Form, clean: Redactor) -> str:
    match form:
        case Form.MARKDOWN:
            return session_markdown(shared, clean)
        case Form.JSONL:
            return session_jsonl(shared, clean)
        case Form.HTML:
            return session_html(shared, clean)
        case Form.JSON:
            return session_to_json(shared, clean if clean.is_on else None)


def _end(form: Form, clean: Redactor, *, is_list: bool) -> str:
    if form is Form.HTML:
        return page_end(clean.sentence)
    if is_list:
        return "\n]}\n"
    return "\n" if form is Form.JSON else ""


def session_ids_of(found: Iterable[tuple[str, str]]) -> list[str]:
    """The sessions of what a search found, each once, in its order."""
    return list(dict.fromkeys(session_id for session_id, _ in found))
