"""The review screen: find saved replies and keep them in order."""
