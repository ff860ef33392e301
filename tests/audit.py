"""`python -m tests.audit`: whether a known weakness is in what replyscope is installed with.

Part of the test command. Where no source of advisories answers it says so, and is no failure.
"""

import json
import subprocess
import sys

_LONGEST_S = 40
_COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--format", "json"]
_COMMAND += ["--progress-spinner", "off", "--timeout", "4"]


def main() -> int:
    """Ask for advisories about each installed package; 1 when there is one."""
    try:
        done = subprocess.run(
            _COMMAND, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
        asked = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("no source of advisories was reached: skipped")
        return 0
    known = [one for one in asked if "skip_reason" not in one]
    weak = [one for one in known if one.get("vulns")]
    if not known:
        print("no source of advisories was reached: skipped")
        return 0
    for one in weak:
        told = ", ".join(f"{v['id']} (mended in {v['fix_versions']})" for v in one["vulns"])
        print(f"{one['name']} {one['version']}: {told}", file=sys.stderr)
    print(
        f"{len(known)} of {len(asked)} packages were looked up: {len(weak)} have a known weakness"
    )
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
