"""A server that is not the bottleneck: sends prepared chunks at full speed or at a rate.

`python -m benchmarks.server`: prints its port; the prompt says what to send, as
"COUNT chunks at RATE" (RATE 0 is full speed). The last chunk holds LAST-TEXT.
"""

import asyncio
import json
import re

WORDS = "The *quick* brown fox, `x = 1`, jumps over **lazy** dogs. "
LAST = "LASTTEXT"


def frames(count: int) -> list[bytes]:
    """Chunks of four characters of Markdown, in paragraphs."""
    text = ""
    while len(text) < count * 4:
        text += WORDS * 8 + "\n\n"
    pieces = [text[i * 4 : i * 4 + 4] for i in range(count)] + [f"\n\n{LAST}"]
    made = []
    for number, piece in enumerate([*pieces, None]):
        delta = {"content": piece} if piece is not None else {}
        chunk = {
            "id": "chatcmpl-benchmark",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "bench",
            "system_fingerprint": "fp_1",
            "choices": [
                {
                    "index": 0,
                    "delta": {"role": "assistant", **delta} if number == 0 else delta,
                    "logprobs": None,
                    "finish_reason": "stop" if piece is None else None,
                }
            ],
        }
        made.append(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    return [*made, b"data: [DONE]\n\n"]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection after another request."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith(b"GET"):
                await answer_models(writer)
            else:
                await answer_chat(writer, body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def answer_models(writer: asyncio.StreamWriter) -> None:
    """One model."""
    body = json.dumps({"object": "list", "data": [{"id": "bench", "object": "model"}]}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    await writer.drain()


async def answer_chat(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Stream what the last message asks for."""
    asked = re.findall(rb"(\d+) chunks at (\d+)", body)
    count, rate = (int(asked[-1][0]), int(asked[-1][1])) if asked else (10, 0)
    prepared = frames(count)
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(head)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number, frame in enumerate(prepared):
        if rate:
            delay = start + number / rate - loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
        writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
        if number % 64 == 0 or rate:
            await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
