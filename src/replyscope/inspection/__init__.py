"""Floor 2: pure functions from an exchange to what is shown of it.

The inspector, `sessions show` and every export draw the same rows.
"""
