"""The archive of `watch`: calls of other programs become exchanges in sessions like our own."""
