"""The conversation view: one widget on the line API, however long the session."""
