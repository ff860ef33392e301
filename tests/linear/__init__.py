"""Tests of the linear chat."""
