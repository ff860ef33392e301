"""Floor 1: the client of model servers, and the only package that uses the OpenAI SDK.

Opens streams, records their frames and translates chunks into domain events.
"""
