"""Vim keys: a pure engine of (text, cursor, mode, registers, key) to the next state.

No Textual here. The host shows the state, types the text of insert mode itself, and passes every
other key to `engine.press`.
"""
