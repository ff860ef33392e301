"""Whether freed blocks are released to the system."""

import subprocess
import sys

import pytest

_CHECK = """
import ctypes
from replyscope.cli.allocator import release_large_blocks
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]
state = ctypes.CDLL(None).mallinfo2
state.restype = Info
if {is_set}:
    release_large_blocks()
large = bytearray(24 << 20)
del large
before = state().hblkhd
block = bytearray(8 << 20)
print((state().hblkhd - before) >> 20)
"""


def _has_glibc() -> bool:
    check = "import ctypes; print(hasattr(ctypes.CDLL(None), 'mallinfo2'))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    return done.stdout.strip() == "True"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is of Linux")
def test_a_large_block_is_mapped_by_itself_though_a_larger_one_was_freed() -> None:
    if not _has_glibc():
        pytest.skip("another C library")
    mapped = {
        is_set: subprocess.run(
            [sys.executable, "-c", _CHECK.format(is_set=is_set)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for is_set in (False, True)
    }
    assert mapped == {False: "0", True: "8"}
