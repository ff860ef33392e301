"""The context of the next request: its parts, marks of messages, compaction, the cache."""
