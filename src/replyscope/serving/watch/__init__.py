"""The relay of `replyscope watch`: forwards calls to model servers, and reports a copy of each."""
