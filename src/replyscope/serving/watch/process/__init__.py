"""The process of the relay: its two sides, and the messages between them."""
