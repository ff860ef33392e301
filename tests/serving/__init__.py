"""Tests of the server that plays recorded exchanges again."""
