"""The errors that cross floors. Each says what happened and what to do next.

ReplyscopeError
├── ProviderError            a server, or the route to it, failed
├── StoreError               the database can't be used
│   ├── StoreCorrupt         it is damaged
│   ├── StoreTooNew          a newer version wrote it
│   ├── StoreReadOnly        it can't be written
│   ├── StoreFull            the disk is full
│   ├── StoreGone            it was removed or replaced
│   ├── StoreRejected        it rejects one row
│   ├── SearchInterrupted    a newer search cancelled this one
│   ├── BackupFault          a backup can't be made, read or restored
│   └── SessionMoved         another process changed the session
├── SessionNotFound          no session, or several, for an id
├── SettingsError            a settings or theme file is wrong, at a place
├── ParameterFault           a parameter of requests does not exist, or a value does not fit
├── OverLimit                a request would pass a spending limit
├── OutputError              the output can't be written
├── ImportFault              a file can't be imported
│   └── NeedsLibrary         ... because a library for it is not installed
├── ImportConflict           one session of a file contradicts saved data
├── AttachmentError          a file can't be attached
├── ViewerError              a file can't be opened in the system's viewer
├── RelayFailed              the process of the relay can't be started, or ended
├── HubError                 the hub can't be used
│   ├── HubUnreachable       no connection, or it does not answer in time
│   ├── HubConflict          another machine wrote this machine's log
│   ├── HubTooNew            another version of replyscope made it
│   ├── HubRefused           it does not allow it: rights
│   │   ├── HubReadOnly      ... because it can't be written
│   │   └── HubFull          ... because it is full
│   ├── NotAHub              the place holds something else, or no hub yet
│   └── HubLocked            its entries are encrypted with another key
└── LocalModelError          the embedded model can't be installed or started
    └── LocalModelMissing    ... because its engine or weights aren't there
"""

from replyscope.domain.failure import Failure


class ReplyscopeError(Exception):
    """A failure with a message for the person and a next step."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class ProviderError(ReplyscopeError):
    """A request other than for a reply failed, such as a model list or a probe."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.next_step)
        self.failure = failure


class StoreError(ReplyscopeError):
    """The database can't be used."""


class StoreCorrupt(StoreError):
    """The file is not a sound SQLite database."""


class StoreTooNew(StoreError):
    """A newer replyscope wrote the file."""


class StoreReadOnly(StoreError):
    """The file or its folder can't be written."""


class StoreFull(StoreError):
    """The disk is full."""


class StoreGone(StoreError):
    """The file was removed or replaced while it was open."""


class StoreRejected(StoreError):
    """The database rejects a row: its size, its type or a constraint. Other rows may succeed."""


class SearchInterrupted(StoreError):
    """A newer search cancelled this one."""


class BackupFault(StoreError):
    """A backup can't be made, or a file is not an undamaged backup."""


class SessionMoved(StoreError):
    """Another process changed the session in the meantime."""


class SessionNotFound(ReplyscopeError):
    """No session has the id, or it is the beginning of several ids."""


class SettingsError(ReplyscopeError):
    """A file that a person wrote is invalid; the message names the file, line and key."""


class ParameterFault(ReplyscopeError):
    """A parameter does not exist, or a value does not fit its type.

    `name` is the parameter, `place` the name with the place in its value, and `why` the
    predicate of the sentence.
    """

    def __init__(self, name: str, why: str, next_step: str = "", *, place: str = "") -> None:
        super().__init__(f"{name}{place} {why}.", next_step)
        self.name = name
        self.why = why if not place else f"({name}{place}) {why}"


class OverLimit(ReplyscopeError):
    """A request was not sent: it would pass a spending limit of the settings."""


class OutputError(ReplyscopeError):
    """The output of a command can't be written."""


class ImportFault(ReplyscopeError):
    """A file can't be imported at all."""


class NeedsLibrary(ImportFault):
    """A file can't be unpacked without a library that is not installed."""


class ImportConflict(ReplyscopeError):
    """One session of a file can't be imported: it contradicts saved data."""


class AttachmentError(ReplyscopeError):
    """A file can't be attached to a message."""


class ViewerError(ReplyscopeError):
    """A file can't be opened in the system's viewer."""


class RelayFailed(ReplyscopeError):
    """The process of the relay can't be started, or ended by itself."""


class HubError(ReplyscopeError):
    """The hub can't be used. Nothing was lost here."""


class HubUnreachable(HubError):
    """There is no connection, or no answer in time."""


class HubConflict(HubError):
    """The end of this machine's log on the hub differs from the saved end."""


class HubTooNew(HubError):
    """Another version of replyscope made the hub."""


class HubRefused(HubError):
    """The hub does not allow an action."""


class HubReadOnly(HubRefused):
    """The hub can be read, but not written."""


class HubFull(HubRefused):
    """The hub has no space left."""


class NotAHub(HubError):
    """The place holds something else, or no hub yet."""


class HubLocked(HubError):
    """The entries are encrypted, and the key is missing or another one."""


class LocalModelError(ReplyscopeError):
    """The embedded model can't be installed or started."""


class LocalModelMissing(LocalModelError):
    """The engine or the weights are not installed."""
