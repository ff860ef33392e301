"""Floor 5: the command line, and the one place that wires everything together."""
