"""Floor 4: the Textual app. It shows the state of the engine and calls the engine; no I/O."""
