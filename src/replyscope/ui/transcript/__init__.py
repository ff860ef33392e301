"""The conversation view: one virtualised widget on Textual's line API."""
