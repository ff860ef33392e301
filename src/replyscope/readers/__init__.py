"""Reads the exports of other programs. Nothing of their shape is believed."""
