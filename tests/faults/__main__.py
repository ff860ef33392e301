"""`python -m tests.faults [--seed N] [--size F]`: what is left after what can go wrong."""

import sys

from tests.support.suite import run_suite

if __name__ == "__main__":
    sys.exit(run_suite("faults", "Cut streams, kill, fill the disk; nothing may be lost."))
