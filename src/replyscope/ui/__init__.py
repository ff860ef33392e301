"""Floor 4: the Textual application. It shows the engine's state and calls it; no I/O."""
