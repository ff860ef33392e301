"""The process of the relay: `python -m replyscope.cli.relay_child`."""

from replyscope.cli.system import SystemClock, new_id
from replyscope.serving.watch.process.child import run_child

if __name__ == "__main__":
    run_child(SystemClock(), new_id)
