"""Saved sessions whose every time, id and figure is fixed: what the snapshots show.

The replies are frames as a server sends them, read by the real translator and folded by the
real reducer; the file is made by the real import.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from replyscope.cli.sharing import import_file
from replyscope.cli.wiring import Wiring, translate_frames
from replyscope.domain.event import RequestSent, ResponseOpened, StreamEnded, WireFrame, WireRecord
from replyscope.domain.exchange import Exchange
from replyscope.domain.finish import StreamEnd
from replyscope.domain.fold import fold_events
from replyscope.domain.message import Message, Part, ReplySource, Role, TextPart, ToolResultPart
from replyscope.domain.session import Session, SessionSettings
from replyscope.domain.shared import SESSION_FORMAT, Shared, no_progress
from replyscope.inspection.sharing.session_json import session_to_json
from tests.support.build import make_exchange
from tests.support.server import delta, usage

NOW = datetime(2026, 11, 24, 15, 4, tzinfo=UTC)
"""A Tuesday; the sessions are of this day and of days before it."""
BASE_URL = "http://127.0.0.1:8000/v1"
TIDES, HARBOUR, VERSE, GEARS, COMET = "tides", "harbour", "verse", "gears", "comet"
_HEADERS = (("content-type", "text/event-stream"), ("x-request-id", "req_5f2c"))

WHY_TWO_TIDES = """\
## Two bulges, one Earth

The Moon pulls on the near side of the Earth **more strongly** than on its centre, and on the
centre more strongly than on the far side. What is left is a *stretch* along one line:

1. a bulge that faces the Moon,
2. a bulge on the opposite side,
3. low water in between.

| Body | Pull on the Earth | Tidal stretch |
|:-----|------------------:|:-------------:|
| Sun  |             178 × |      0.46     |
| Moon |               1 × |      1.00     |

> A tide is not a pull but a *difference* of pulls.

```python
def stretch(mass: float, distance: float) -> float:
    \"\"\"The tidal stretch falls with the cube of the distance.\"\"\"
    return 2 * mass / distance**3
```

The Earth turns under both bulges once a day, see [tides](https://example.org/tides).
"""
_THOUGHT = "They ask for the second bulge. The difference of the pulls explains both.\n"
_TABLE = "04:12  high  5.1 m\n10:20  low   1.3 m\n16:35  high  5.3 m\n22:47  low   1.1 m"
_CUT = "Springs come when Sun and Moon pull along one line: at new moon and at full moon. Neaps"
_AGAIN = (
    "Springs come when Sun and Moon pull along one line: at new moon and at full moon.\n\n"
    "Neaps come at the half moons, when the two pull at right angles."
)


@dataclass
class Talk:
    """A session that is being written: each step appends to its branch."""

    id: str
    title: str
    begun: datetime
    model: str = "harbour-large"
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.messages: list[Message] = []
        self.exchanges: dict[str, Exchange] = {}
        self.records: dict[str, WireRecord] = {}

    def ask(self, text: str) -> None:
        """The person writes."""
        self._add(Role.USER, (TextPart(text),))

    def reply(self, *chunks: dict[str, Any], **changes: Any) -> None:
        """The model answers with these chunks."""
        self.reply_beside(self.messages[-1].id, *chunks, **changes)

    def reply_beside(self, parent: str, *chunks: dict[str, Any], **changes: Any) -> None:
        """The same, under a message that may have been answered already."""
        key = f"{self.id}-x{len(self.exchanges) + 1}"
        exchange, record = play(key, self._now(), self._asked(), chunks, self.model, **changes)
        self.exchanges[key], self.records[key] = exchange, record
        self._add(Role.ASSISTANT, (), parent, (ReplySource(key),))

    def tools(self, *results: ToolResultPart) -> None:
        """The tools that the reply asked for have run."""
        self._add(Role.TOOL, results)

    def shared(self) -> Shared:
        """The session, whole."""
        end = self._now()
        session = Session(self.id, self.title, self.begun, end, SessionSettings(model=self.model))
        session = replace(session, head_id=self.messages[-1].id, is_title_given=True)
        return Shared(session, tuple(self.messages), self.exchanges, self.tags, self.records)

    def _now(self) -> datetime:
        return self.begun + timedelta(seconds=40 * len(self.messages))

    def _add(
        self,
        role: Role,
        parts: tuple[Part, ...],
        parent: str | None = None,
        sources: tuple[ReplySource, ...] = (),
    ) -> None:
        above = parent or (self.messages[-1].id if self.messages else None)
        key = f"{self.id}-m{len(self.messages) + 1}"
        self.messages.append(Message(key, role, parts, self._now(), above, sources))

    def _asked(self) -> list[dict[str, str]]:
        return [{"role": m.role.value, "content": m.text} for m in self.messages if m.text]


def play(
    key: str,
    at: datetime,
    asked: Sequence[dict[str, str]],
    chunks: Sequence[dict[str, Any]],
    model: str,
    *,
    first_ms: float = 310.0,
    step_ms: float = 45.0,
    end: StreamEnd = StreamEnd.DONE,
    **changes: Any,
) -> tuple[Exchange, WireRecord]:
    """The exchange that chunks make, one after another in equal steps, and its wire."""
    body = {"model": model, "messages": asked, "stream": True}
    request = RequestSent(
        "POST",
        f"{BASE_URL}/chat/completions",
        (("content-type", "application/json"), ("authorization", "Bearer sk-…9d1f")),
        json.dumps(body).encode(),
    )
    said = {"id": f"chatcmpl-{key}", "model": model}
    texts = [f"data: {json.dumps(chunk | said)}\n\n" for chunk in chunks]
    if end is StreamEnd.DONE:
        texts.append("data: [DONE]\n\n")
    frames = [WireFrame(first_ms + step_ms * n, text) for n, text in enumerate(texts)]
    opening = make_exchange(
        **{"id": key, "endpoint": "harbour", "base_url": BASE_URL, "model": model} | changes,
        started_at=at,
    )
    events = [
        request,
        ResponseOpened(200, _HEADERS, "req_5f2c"),
        *translate_frames(opening.api, frames),
        StreamEnded(end, first_ms + step_ms * len(frames)),
    ]
    return fold_events(opening, events), WireRecord(request, tuple(frames))


def words(text: str, size: int = 24) -> Iterator[dict[str, Any]]:
    """A text as chunks of so many characters."""
    for start in range(0, len(text), size):
        yield delta(text[start : start + size])


def spent(prompt: int, completion: int, cost_usd: float | None = None) -> dict[str, Any]:
    """The last chunk: tokens, and the cost where the server states one."""
    chunk = usage(prompt, completion)
    if cost_usd is not None:
        chunk["usage"]["cost"] = cost_usd
    return chunk


def tides() -> Shared:
    """The long one: Markdown, reasoning, a tool that ran, a reply cut off and one beside it."""
    talk = Talk(TIDES, "Why are there two tides a day?", NOW - timedelta(minutes=50))
    talk.ask("Why are there two tides a day, and not one?")
    thought = delta(reasoning_content=_THOUGHT)
    talk.reply(thought, *words(WHY_TWO_TIDES), delta(finish="stop"), spent(41, 268, 0.0031))
    talk.ask("When is high water in our harbour today? It is in tides.txt.")
    call = {
        "index": 0,
        "id": "call_a1",
        "function": {"name": "read_file", "arguments": '{"path": "tides.txt"}'},
    }
    talk.reply(delta(tool_calls=[call]), delta(finish="tool_calls"), spent(330, 19, 0.0007))
    result = ToolResultPart(
        "call_a1",
        _TABLE,
        name="read_file",
        source="shipped",
        allowed_by="you, once",
        started_ms=round(talk._now().timestamp() * 1000),
        duration_ms=12.0,
    )
    talk.tools(result)
    said = "High water is at **04:12** (5.1 m) and at **16:35** (5.3 m)."
    talk.reply(*words(said), delta(finish="stop"), spent(402, 31, 0.0009))
    talk.ask("And what are spring tides and neap tides?")
    asked = talk.messages[-1].id
    talk.reply(*words(_AGAIN), delta(finish="stop"), spent(450, 44, 0.0011))
    talk.model = "harbour-small"
    talk.reply_beside(asked, *words(_CUT), delta(finish="length"), spent(450, 24), max_tokens=24)
    return talk.shared()


def harbour() -> Shared:
    """A stream that broke off."""
    talk = Talk(HARBOUR, "Harbour dues", NOW - timedelta(days=1, hours=3), tags=("money", "boat"))
    talk.ask("What do harbour dues pay for?")
    talk.reply(*words("They pay for dredging, lights and the"), end=StreamEnd.BROKEN)
    return talk.shared()


def verse() -> Shared:
    """A slow reply with a large cost."""
    talk = Talk(VERSE, "A verse about the sea", NOW - timedelta(days=4), tags=("verse",))
    talk.ask("Write two lines about the sea.")
    lines = "The sea keeps time without a clock;\nit winds itself against the rock."
    talk.reply(*words(lines, 6), delta(finish="stop"), spent(14, 22, 0.042), step_ms=240.0)
    return talk.shared()


def gears() -> Shared:
    """A reply that a filter stopped."""
    talk = Talk(GEARS, "Tide machines and their gears", NOW - timedelta(days=41))
    talk.ask("How many gears had Kelvin's tide machine?")
    talk.reply(*words("Its first"), delta(finish="content_filter"), spent(16, 3))
    return talk.shared()


def comet() -> Shared:
    """Wide characters and emoji, of a year before."""
    talk = Talk(COMET, "彗星 and comets ☄️", NOW - timedelta(days=400), model="kaigan-7b")
    talk.ask("What is a comet called in Japanese?")
    talk.reply(*words("彗星 (すいせい, *suisei*) ☄️ 🌊"), delta(finish="stop"), spent(12, 18))
    return talk.shared()


def thrown_away() -> Shared:
    """A deleted session."""
    talk = Talk("scrap", "Only a test", NOW - timedelta(days=2))
    talk.ask("test")
    talk.reply(delta("It works."), delta(finish="stop"), spent(3, 3))
    shared = talk.shared()
    return replace(shared, session=replace(shared.session, deleted_at=NOW - timedelta(days=1)))


SESSIONS: tuple[Callable[[], Shared], ...] = (tides, harbour, verse, gears, comet, thrown_away)


async def fill(wiring: Wiring, file: Path) -> None:
    """Import the sessions through an export file, and index them."""
    sessions = [json.loads(session_to_json(make())) for make in SESSIONS]
    file.write_text(json.dumps({"format": SESSION_FORMAT, "sessions": sessions}))
    await wiring.store.open()
    done = await import_file(wiring, file, False, no_progress)
    assert not done.failed, done.failed
    await wiring.review.update_index()
    await wiring.close()
