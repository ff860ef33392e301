"""`python -m tests.hostile.fuzz TARGET --seconds N`: one way in, guided by what code it reaches.

Needs the `fuzz` extra. What is found is left as a file `crash-…` in the folder that is named.
"""

import argparse
import sys
from pathlib import Path


def main() -> None:
    """Fuzz until the time is over or something is found."""
    import atheris  # an extra of its own

    with atheris.instrument_imports(include=["replyscope"]):
        from tests.hostile.bounds import bounded  # instrumented as they are imported
        from tests.hostile.entries import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path("fuzzed"), help="what is found")
    chosen = parser.parse_args()
    chosen.folder.mkdir(exist_ok=True)
    target = TARGETS[chosen.target]

    def once(data: bytes) -> None:
        with bounded():
            target(data)

    once(b"")
    options = [f"-max_total_time={chosen.seconds}", "-max_len=4096", "-timeout=5"]
    options += ["-rss_limit_mb=2048", f"-artifact_prefix={chosen.folder}/", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
