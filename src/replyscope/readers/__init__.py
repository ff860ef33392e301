"""Readers of import formats, one module or folder a format. They validate every field."""
