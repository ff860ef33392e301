"""`python -m tests.servers [--size F] [-k NAME]`: conversations with servers of other makers."""

import sys

from tests.support.suite import run_suite

if __name__ == "__main__":
    sys.exit(run_suite("servers", "Hold a conversation with real servers, over both APIs."))
