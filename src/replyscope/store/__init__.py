"""Floor 1: saved sessions in one SQLite file, shared by every replyscope process.

SQLite is known here and nowhere else. Nothing above sees a row.
"""
