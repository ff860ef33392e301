"""Floor 1: embedded models: the catalogue, the download, and the child process of the engine.

The program imports, downloads and starts nothing here until the user requests it.
"""
