"""`python -m tests.faults.writer NAME URL SECONDS`: one of several processes that write to
one data folder; prints what it wrote.
"""

import asyncio
import json
import sys
import time

from replyscope.cli.system import SystemClock
from replyscope.cli.wiring import Wiring, translate_frames, wire
from replyscope.config.paths import find_paths
from replyscope.domain.endpoint import Endpoint
from replyscope.domain.message import TextPart
from replyscope.domain.session import SessionSettings
from replyscope.engine.conversation import Conversation
from replyscope.engine.live_reply import Target
from replyscope.engine.recovery import recover
from tests.support.build import open_chat

_TURNS = 4


async def write(name: str, url: str, seconds: float) -> list[str]:
    """Chat in session after session, beside everything else that writes; the prompts."""
    wiring = wire(find_paths(None))
    await wiring.store.open()
    prompts: list[str] = []
    async with open_chat(url, SystemClock()) as provider:
        target = Target(Endpoint("test", url), provider, "m")
        deadline = time.monotonic() + seconds
        number = 0
        while time.monotonic() < deadline or not prompts:
            number += 1
            prompts += await _chat(wiring, target, f"{name}/{number}")
    await wiring.close()
    return prompts


async def _chat(wiring: Wiring, target: Target, name: str) -> list[str]:
    conversation = wiring.archive.new(SessionSettings())
    prompts = [f"{name}/{turn}" for turn in range(_TURNS)]
    for prompt in prompts:
        await _send(conversation, target, prompt)
        await wiring.store.add_history(prompt)
    session_id = conversation.session.id
    await wiring.review.tag([session_id], ["mine"])
    await wiring.archive.rename(session_id, name)
    await recover(wiring.store, translate_frames)
    await wiring.review.update_index()
    await wiring.store.list_sessions(limit=10)
    return prompts


async def _send(conversation: Conversation, target: Target, text: str) -> None:
    await conversation.send((TextPart(text),), target)
    assert conversation.unsaved is None


def main() -> None:
    """Write, and say what."""
    name, url, seconds = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(write(name, url, float(seconds)))))


if __name__ == "__main__":
    main()
