"""The review screen: find and organise saved replies."""
