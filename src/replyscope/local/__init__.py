"""Floor 1: the embedded model: its catalogue, its download, and the child process it runs in.

Nothing here is imported, downloaded or started before a person asks for it.
"""
