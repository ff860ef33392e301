"""The reading pane of chat, review and replay, and what it shows."""
