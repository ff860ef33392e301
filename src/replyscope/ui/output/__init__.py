"""Output to the terminal: the wanted screen is compared with the sent one, and only the
differences are sent, in short sequences.

No Textual here. `screen_output.py` is the entry; see docs/decisions/0050.
"""
