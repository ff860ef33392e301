"""`python -m tests.watching.streaming FOLDER`: records a watched call that never ends, and prints
the number of words that have arrived.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from tests.watching.programs import Program, Said
from tests.watching.watched import SSE, open_watched


async def stream(folder: Path) -> None:
    """Stream words until this process is killed."""
    program = Program()
    async with open_watched(folder) as watched:
        listener = watched.begin(program.body([Said("Count, please.", is_user=True)]))
        listener.responded(200, SSE, 1.0)
        for number in itertools.count():
            frame = f'data: {{"choices": [{{"index": 0, "delta": {{"content": "w{number} "}}}}]}}'
            listener.received(f"{frame}\n\n".encode(), 2.0 + number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(stream(Path(sys.argv[1])))
