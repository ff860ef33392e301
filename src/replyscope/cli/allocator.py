"""Settings of the allocator of the C library."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The numbers of the parameters in malloc.h."""
_LARGE = 1 << 20


def release_large_blocks() -> None:
    """Map blocks of a megabyte and more one by one, in Linux. They are released when freed.

    glibc does that at first, but after it has freed a large block it allocates blocks of up to
    32 MB in the heap. The heap is then never as small again: small objects are allocated between
    pictures, bodies and long texts, and prevent the release of their memory. A threshold that is
    set does not change.
    """
    if not sys.platform.startswith("linux"):
        return
    change = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries may have none
    if change is not None:
        change(_MMAP_THRESHOLD, _LARGE)
        change(_TRIM_THRESHOLD, _LARGE)
