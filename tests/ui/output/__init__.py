"""Tests of the output to the terminal."""
