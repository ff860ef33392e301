"""Whether a log may tell what is done now: of a private session it tells nothing.

A log is written from everywhere, so each task says it once, for all that it does.
"""

from contextvars import ContextVar

unlogged: ContextVar[bool] = ContextVar("unlogged", default=False)
