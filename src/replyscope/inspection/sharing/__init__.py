"""The forms of export of sessions, and redaction."""
