"""The local side of a hub: the log of changes, and the merging of received entries."""
