"""The keys that work now: their names, the footer line, and the panel that lists them all."""
