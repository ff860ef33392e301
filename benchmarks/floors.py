"""The programs that replyscope is compared to: `python -m benchmarks.floors NAME …`."""

import asyncio
import resource
import sys
import time


def bare_app() -> None:
    """A Textual app that shows one word."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("bare-app-is-here")

    Bare().run()


async def bare_loop(base_url: str, prompt: str) -> None:
    """The SDK's own loop over the same stream, nothing done with it; prints its CPU seconds."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)
    await client.models.list()
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    stream = await client.chat.completions.create(
        model="bench",
        messages=[{"role": "user", "content": prompt}],
        stream=True,
        stream_options={"include_usage": True},
    )
    characters = 0
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            characters += len(chunk.choices[0].delta.content)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{cpu:.3f} {time.monotonic() - began:.3f} {characters}")


if __name__ == "__main__":
    if sys.argv[1] == "app":
        bare_app()
    else:
        asyncio.run(bare_loop(sys.argv[2], sys.argv[3]))
