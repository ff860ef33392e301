"""Translates the errors of PostgreSQL to sentences about the hub."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from replyscope.domain.errors import (
    HubError,
    HubFull,
    HubReadOnly,
    HubRefused,
    HubUnreachable,
    NotAHub,
    SearchInterrupted,
)
from replyscope.domain.printable import printable_line

_MOST_SAID = 300
_OTHER_TABLES = ("3F000", "42P01", "42703", "42883", "42P10", "42804")
"""SQLSTATEs of tables, columns and functions that are missing or are of another kind."""
_TLS_STEPS = (
    ("does not match host name", "Use the name in its certificate as the host of the address."),
    ("root certificate", "Check the file that sslrootcert in the address names."),
    ("certificate verify failed", "If its authority is your own, name the file of that authority "
     "in the address: …?sslrootcert=FILE."),
    ("does not support SSL", "Give the server a certificate (ssl = on)."),
)  # fmt: skip
"""What libpq says of a connection that is not safe, and what to do then."""


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Raise a HubError in place of an error of PostgreSQL. `shown` is the address of the hub."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, shown) from error
    except UnicodeEncodeError as error:
        raise HubError(
            f"The hub at {shown} can't store or find half of a surrogate pair.",
            "Remove the damaged character from the text.",
        ) from error


def translate(error: psycopg.Error, shown: str) -> HubError:
    """The HubError for an error of PostgreSQL, with the server's own words."""
    state, said = error.sqlstate or "", _said(error)
    if state in ("42501", "0LP01", "28000", "28P01") or _is_password_fault(said, state):
        return _denied(state, shown, said)
    if state.startswith("53") and state != "53300":
        return HubFull(
            f'The hub at {shown} has no space or memory left: "{said}".',
            "Free some space there; nothing is lost here, and the next sync continues.",
        )
    if state in ("25006", "25P02") or isinstance(error, errors.ReadOnlySqlTransaction):
        return HubReadOnly(
            f'The hub at {shown} can only be read: "{said}".',
            "Use the address of the primary server, or ask its administrator.",
        )
    if state == "57014":
        return HubUnreachable(
            f"The hub at {shown} did not answer in time.", "Try again, or make the query narrower."
        )
    if _is_database_missing(said, state):
        return NotAHub(
            f'There is no database at {shown}: "{said}".',
            "Check the address, or let its administrator create the database.",
        )
    if state in _OTHER_TABLES:
        return NotAHub(
            f'The database at {shown} has no hub of replyscope that this program knows: "{said}".',
            "Check the address, or create the hub with `replyscope hub init`.",
        )
    if fault := _tls_fault(error, shown):
        return fault
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return HubUnreachable(
            f'The hub at {shown} can\'t be reached: "{said}".',
            "Check the address and the network. Nothing is lost here; the next sync continues.",
        )
    return HubError(f'The hub at {shown} rejected the request: "{said}".', "")


def _denied(state: str, shown: str, said: str) -> HubRefused:
    if state == "42501":
        return HubRefused(
            f'The hub at {shown} does not permit this: "{said}".',
            "Ask the owner of the hub to run `replyscope hub grant` for your role.",
        )
    return HubRefused(
        f'The hub at {shown} rejected the login: "{said}".',
        "Put the role's password into the keyring, a service file or ~/.pgpass.",
    )


def _is_password_fault(said: str, state: str) -> bool:
    """Libpq finds some faults of the login itself, without a state."""
    return not state and ("password authentication" in said or "no password supplied" in said)


def _is_database_missing(said: str, state: str) -> bool:
    """A failed connection has no state, only the server's words."""
    is_said = said.endswith("does not exist") and "database" in said
    return state == "3D000" or (not state and is_said)


def _said(error: psycopg.Error) -> str:
    """The server's message, on one line. Never its detail, which quotes values of rows."""
    text = error.diag.message_primary or str(error).strip() or type(error).__name__
    return printable_line(" ".join(text.split()))[:_MOST_SAID]


def _tls_fault(error: psycopg.Error, shown: str) -> HubRefused | None:
    """The error of a connection that is not safe; None for another error.

    Only the first line of libpq is quoted: its advice is about a setting that a hub has not.
    """
    if error.sqlstate:
        return None
    said = printable_line(str(error).strip().partition("\n")[0])[:_MOST_SAID]
    step = next((step for words, step in _TLS_STEPS if words in said), "")
    sentence = f'The hub at {shown} is not trusted, and nothing was sent: "{said}".'
    return HubRefused(sentence, step) if step else None


@contextmanager
def search_translated(shown: str) -> Iterator[None]:
    """Like `translated`; a cancelled query is a SearchInterrupted."""
    with translated(shown):
        try:
            yield
        except errors.QueryCanceled as error:
            if "user request" in str(error):
                raise SearchInterrupted("A newer search replaced this one.") from error
            raise  # the time limit of the server
