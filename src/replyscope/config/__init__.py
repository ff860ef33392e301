"""Floor 1: the paths, the settings file, API keys, themes and tool server entries."""
