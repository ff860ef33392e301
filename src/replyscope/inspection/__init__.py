"""Floor 2: pure functions that format, explain, compare and check exchanges.

The inspector, `sessions show` and every export use the same functions.
"""
