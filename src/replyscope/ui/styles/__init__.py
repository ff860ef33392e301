"""Style sheets of the screens."""
