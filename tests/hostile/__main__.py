"""`python -m tests.hostile [--seed N] [--size F]`: what a hostile model, server or file can do."""

import sys

from tests.support.suite import run_suite

if __name__ == "__main__":
    sys.exit(run_suite("hostile", "Fuzz every input; nothing may crash, hang, leak or escape."))
