"""Tests of the archive of watched calls."""
