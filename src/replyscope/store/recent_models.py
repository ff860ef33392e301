"""The models that were used last, from the settings of the newest sessions."""

import sqlite3

from replyscope.domain.model_names import ModelName
from replyscope.store.codec import read_settings

_SESSIONS = 50


def recent_models(connection: sqlite3.Connection) -> tuple[ModelName, ...]:
    """The models of the newest sessions, each with its provider, the newest first."""
    rows = connection.execute(
        "SELECT settings FROM session WHERE deleted_at IS NULL ORDER BY updated_at DESC LIMIT ?",
        (_SESSIONS,),
    )
    used = [read_settings(row[0]) for row in rows]
    return tuple(
        dict.fromkeys(
            ModelName(one.model, one.endpoint) for one in used if one.model and one.endpoint
        )
    )
