"""Floor 0: the domain values, and the protocols between floors.

It uses the standard library only, does no I/O and does not read the clock.
"""
