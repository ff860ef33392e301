"""Backups of an archive: one file each, with the database, the kept files and the prompts."""
