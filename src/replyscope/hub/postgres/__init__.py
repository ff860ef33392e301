"""The hub in a PostgreSQL database, for a person's machines and for a team.

psycopg is known here and nowhere else. Nothing above sees a row.
"""
