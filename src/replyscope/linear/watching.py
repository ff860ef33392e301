"""The watch of the linear chat: the address for programs, and a line for each of their calls."""

import asyncio

from replyscope.domain.errors import ReplyscopeError
from replyscope.domain.exchange import Usage
from replyscope.domain.printable import printable_line
from replyscope.engine.watching.call_log import LoggedCall
from replyscope.engine.watching.switch import Watching
from replyscope.inspection.explain import ending_word
from replyscope.inspection.figures import UNKNOWN, count, dollars, seconds, size
from replyscope.linear.desk import LinearDesk
from replyscope.linear.engine_thread import Stopped

_OFF = ("off", "stop")
_MOST_WAITING = 1_000
"""The lines that are printed later, when the person was not watching; older ones are not."""


def watch(desk: LinearDesk, argument: str = "") -> None:
    """Start the watch, and print calls as they end until Ctrl+C; with "off" stop it."""
    watching = desk.services.watching()
    if argument.lower() in _OFF:
        was_running = watching.address is not None
        desk.run(watching.stop())
        desk.say("watch", "stopped" if was_running else "not running. /watch starts it")
        return
    endpoint = None if argument else desk.targets.endpoint
    if endpoint is None and not argument and watching.address is None:
        raise ReplyscopeError(
            "There is no provider to forward to.", "Choose one with /provider, or /watch URL."
        )
    if desk.watched is None:
        desk.watched = _listen(watching)
    address = desk.run(watching.start(argument, endpoint))
    desk.say("watch", printable_line(f"{address.base_url} forwards to {address.upstream}"))
    desk.terminal.lines(address.variables)
    desk.say("note", "Ctrl+C returns to the chat; the watch continues. /watch off stops it.")
    while True:
        try:
            label, text = desk.run(desk.watched.get())
        except Stopped:
            return
        desk.say(label, printable_line(text))


def _listen(watching: Watching) -> asyncio.Queue[tuple[str, str]]:
    """A queue of labelled lines: the calls that end from now on, and notices."""
    lines: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def put(label: str, text: str) -> None:
        if lines.qsize() >= _MOST_WAITING:
            lines.get_nowait()
        lines.put_nowait((label, text))

    watching.on_call = lambda call: put("call", call_sentence(call))
    watching.on_note = lambda text: put("note", text)
    return lines


def call_sentence(call: LoggedCall) -> str:
    """An ended call in a sentence."""
    client = call.request.client.name or "a program"
    at = call.request.at.astimezone().strftime("%H:%M:%S")
    if call.exchange is None:
        listed = call.listed
        status = listed.status if listed is not None else None
        received = f", {size(listed.received)}" if listed is not None else ""
        path = f"{call.request.method} {call.request.path}"
        return f"{at}, {client}, {path}: {status or 'broken'}{received}"
    exchange, usage = call.exchange, call.exchange.usage or Usage()
    cost = dollars(exchange.cost_usd)
    parts = [
        f"{at}, {client}, {exchange.model}: {ending_word(exchange)}",
        f"{count(usage.input_tokens)} tokens in, {count(usage.output_tokens)} out",
        *([] if cost == UNKNOWN else [f"cost {cost}"]),
        f"first token after {seconds(exchange.timing.first_token_ms)}",
        f"{seconds(exchange.timing.duration_ms)} in total",
    ]
    return ", ".join(parts)
