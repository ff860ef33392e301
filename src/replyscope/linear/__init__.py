"""The linear chat: labelled lines for screen readers and simple terminals, without Textual."""
