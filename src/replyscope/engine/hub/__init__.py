"""Synchronises the archive of this machine with a hub."""
