"""The SQL of local days."""

DAY = "date(max(0, min({}, 253370764800000)) / 1000, 'unixepoch', 'localtime')"
"""The local day of a time in milliseconds, limited to the years 1970 to 9999."""
