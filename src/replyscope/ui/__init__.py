"""Floor 4: the Textual app. Shows what the engine does and asks it for more; no I/O."""
