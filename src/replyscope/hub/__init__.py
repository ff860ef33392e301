"""Hubs: the places through which the archives of a person's machines exchange what they hold."""
