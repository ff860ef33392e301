"""Tests of the hands: limits of spending, the history of prompts, the stash, asides and keys."""
