"""A context variable that is true in the tasks of a private session: they write no log."""

from contextvars import ContextVar

unlogged: ContextVar[bool] = ContextVar("unlogged", default=False)
