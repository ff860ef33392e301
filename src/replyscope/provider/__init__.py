"""Floor 1: the OpenAI SDK, and nothing else, is spoken here.

Opens streams, taps their frames and turns chunks into domain events.
"""
