"""Small dialogs that any screen may open."""
