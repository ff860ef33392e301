"""Hubs: the places through which archives exchange what they hold, one folder or module a kind."""
