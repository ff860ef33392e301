"""Floor 3: what happens: sending, journalling, recovering, keeping sessions.

Knows domain protocols only; provider and store are passed in.
"""
