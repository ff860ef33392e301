"""The panes of the chat screen, one file each."""
