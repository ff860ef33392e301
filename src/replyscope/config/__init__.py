"""Floor 1: where files are, what the settings file says, where keys come from."""
