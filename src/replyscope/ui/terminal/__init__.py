"""The terminal driver and its filters."""
