"""Floor 0: the values that everything speaks of, and the protocols between floors.

Standard library only; nothing here does I/O or reads the clock.
"""
