"""HTTP servers on this machine: one serves recorded exchanges, one forwards calls to a provider."""
