"""Export formats of sessions, and redaction."""
