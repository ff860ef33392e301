"""The commands that write and read files: export and import of sessions."""

from pathlib import Path

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.plural import plural
from replyscope.domain.printable import printable_line
from replyscope.domain.shared import Form, no_progress
from replyscope.domain.typed_path import typed_path
from replyscope.engine.output_file import free_path
from replyscope.linear.desk import LinearDesk

_FORMS = (
    ("html", "HTML, one page, redacted", True),
    ("html full", "HTML (not redacted)", False),
    ("md", "Markdown", False),
    ("md redacted", "Markdown, redacted", True),
    ("json", "JSON, everything; it can be imported again", False),
    ("json redacted", "JSON, redacted", True),
    ("jsonl", "JSONL, messages for fine-tuning and evals", False),
    ("jsonl redacted", "JSONL, redacted", True),
)


def export(desk: LinearDesk, argument: str = "") -> None:
    """Export the open session, or numbers of the last list: /export [N …] [FORMAT] [FILE]."""
    words = argument.split()
    ids = [desk.listed_at(word).session_id for word in words if word.isdecimal()]
    words = [word for word in words if not word.isdecimal()]
    if not ids and desk.conversation.is_new:
        raise ReplyscopeError("This session is empty. Nothing was written.")
    ids = ids or [desk.conversation.session.id]
    form, is_redacted = _form(desk, words)
    if form is None:
        return
    job = desk.services.export
    assert job is not None
    if any(map(desk.services.archive.is_private, ids)):
        desk.say("note", "This session is private. The file is written at your request.")
    if is_redacted:
        for sentence in desk.run(job(ids, form, None, is_redacted, no_progress)):
            desk.say("redaction", printable_line(sentence))
    path = _path(desk, words, free_path(desk.services.working_folder, ids, form))
    if path is None:
        desk.say("note", "Nothing was written.")
        return
    desk.run(job(ids, form, path, is_redacted, no_progress))
    desk.say("written", printable_line(str(path)))


def _form(desk: LinearDesk, words: list[str]) -> tuple[Form | None, bool]:
    """The format and whether to redact, from the words or by a choice. Removes used words."""
    if words and words[0] in (*Form,):
        form = Form(words.pop(0))
        is_redacted = form is Form.HTML
        if words and words[0] in ("redacted", "full"):
            is_redacted = words.pop(0) == "redacted"
        return form, is_redacted
    chosen = desk.terminal.choose("Export session as:", [text for _, text, _ in _FORMS])
    if chosen is None:
        return None, False
    name, _, is_redacted = _FORMS[chosen]
    return Form(name.split()[0]), is_redacted


def _path(desk: LinearDesk, words: list[str], proposed: Path) -> Path | None:
    """The file to write; an existing one is replaced only after a confirmation."""
    typed = " ".join(words) or desk.terminal.ask(f"File (Enter for {proposed}): ").strip()
    path = typed_path(typed) if typed else proposed
    path = desk.services.working_folder / path
    if path.is_file() and not desk.terminal.confirm(f"{path.name} exists. Replace it?"):
        return None
    return path


def import_file(desk: LinearDesk, argument: str = "") -> None:
    """Import sessions of replyscope, ChatGPT, llm and other programs, after a dry run."""
    job = desk.services.import_file
    assert job is not None
    if not argument:
        hint = desk.services.import_hint
        if hint is not None:
            desk.say("note", desk.run(hint()))
        argument = desk.terminal.ask("File to import: ").strip()
        if not argument:
            return
    path = desk.services.working_folder / typed_path(argument)
    dry = desk.run(job(path, True, no_progress))
    new = f"{plural(dry.taken, 'new session')}, {plural(dry.grown, 'grown session')}"
    desk.say("import", f"{new}, {plural(dry.replies, 'reply')}, {dry.known} known already")
    if not (dry.taken or dry.grown) or not desk.terminal.confirm("Import them?"):
        desk.say("note", "Nothing was imported.")
        return
    done = desk.run(job(path, False, no_progress))
    number = plural(done.taken + done.grown, "session")
    desk.say("imported", f"{number} with {plural(done.replies, 'reply')}")
    for omission in done.omissions:
        desk.say("note", printable_line(omission.sentence))
