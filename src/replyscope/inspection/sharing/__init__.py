"""Sessions in the forms in which they are handed on."""
