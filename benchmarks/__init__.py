"""Measures replyscope in a real terminal against floors that run beside it."""
