"""The allocator of the C library: large blocks go back to the system as soon as they are free."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The numbers of the parameters in malloc.h."""
_LARGE = 1 << 20


def give_back_large_blocks() -> None:
    """Map blocks of a megabyte and more by themselves, in Linux.

    glibc begins so, but after the first large block is freed it takes blocks of up to 32 MB from
    the heap. There small objects settle between the pictures, bodies and long texts, and keep
    their place for good. A limit that was set stays.
    """
    if not sys.platform.startswith("linux"):
        return
    change = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries may have none
    if change is not None:
        change(_MMAP_THRESHOLD, _LARGE)
        change(_TRIM_THRESHOLD, _LARGE)
