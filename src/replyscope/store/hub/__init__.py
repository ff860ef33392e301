"""The local side of a hub: the log of changes, and the merging of what came from elsewhere."""
