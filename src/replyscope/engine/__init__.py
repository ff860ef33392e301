"""Floor 3: the actions of the program: sending, journalling, recovery, saved sessions.

It imports the protocols of the domain only; provider and store are passed in.
"""
