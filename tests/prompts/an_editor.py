"""An editor that appends the text of the variable NANO_ADDS to a file."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    file = Path(sys.argv[-1])
    file.write_text(file.read_text("utf-8") + os.environ.get("NANO_ADDS", ""), "utf-8")
