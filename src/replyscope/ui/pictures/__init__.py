"""Pictures in the conversation: decoded with Pillow in a thread, drawn as cells of text."""
