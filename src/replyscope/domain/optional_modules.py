"""Modules that are not always installed."""

import sys

ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
"""zstd, of the standard library or of the extra `encodings`."""
