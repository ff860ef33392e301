"""A transport wrapper that preserves the unvalidated results of a server.

The SDK validates a result as a whole and rejects all of it for one invalid entry. Here, a
minimal valid result replaces each one. The original is attached under RAW and is parsed entry
by entry (listing.py, results.py, offers.py).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse, Result
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from replyscope.domain.typed_number import whole_number
from replyscope.toolbox.envelope import BARE
from replyscope.toolbox.listing import find_tools

RAW = "replyscope/raw"
_EMPTY: Mapping[str, str] = {
    "tools/list": "tools",
    "tools/call": "content",
    "resources/list": "resources",
    "resources/read": "contents",
    "prompts/list": "prompts",
    "prompts/get": "messages",
}
"""The list that the result of each method must have."""
_KEPT = ("resultType", "ttlMs", "cacheScope")

Hear = Callable[[str, Mapping[str, Any]], None]
"""Receives the method and the parameters of each notification."""


def raw_result(result: Result) -> dict[str, Any]:
    """The unvalidated result."""
    raw = (result.meta or {}).get(RAW)
    return raw if isinstance(raw, dict) else {}


@asynccontextmanager
async def with_raw_results(
    transport: AbstractAsyncContextManager[Any], hear: Hear
) -> AsyncIterator[Any]:
    """The transport's streams, results made valid."""
    async with transport as (reading, writing):
        asked: dict[int | str, str] = {}
        yield _Reading(reading, asked, hear), _Writing(writing, asked)


class _Stream:
    def __init__(self, stream: Any, asked: dict[int | str, str]) -> None:
        self._stream = stream
        self.aclose = stream.aclose
        self._asked = asked
        """The methods of pending requests, by id."""

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        outcome: bool | None = await self._stream.__aexit__(kind, error, traceback)
        return outcome


class _Writing(_Stream):
    async def send(self, item: SessionMessage) -> None:
        if isinstance(item.message, JSONRPCRequest):
            self._asked[item.message.id] = item.message.method
        await self._stream.send(item)


class _Reading(_Stream):
    def __init__(self, stream: Any, asked: dict[int | str, str], hear: Hear) -> None:
        super().__init__(stream, asked)
        self._hear = hear

    @property
    def last_context(self) -> Any:
        """The context of the last message, if the SDK's stream has one."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        return self._valid(await self._stream.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return self._valid(await self._stream.__anext__())

    def _valid(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        message = item.message if isinstance(item, SessionMessage) else None
        if isinstance(message, JSONRPCNotification):
            self._hear(message.method, message.params or {})
        if isinstance(message, JSONRPCError) and message.id is not None:
            self._asked.pop(_own(message.id), None)
        if isinstance(message, JSONRPCResponse) and isinstance(item, SessionMessage):
            method = self._asked.pop(_own(message.id), "")
            result = valid_result(method, message.result)
            answer = JSONRPCResponse(jsonrpc="2.0", id=message.id, result=result)
            return SessionMessage(answer, metadata=item.metadata)
        return item


def _own(number: int | str) -> int | str:
    """The id in its original type: an integer, which some servers return as a string."""
    whole = whole_number(number) if isinstance(number, str) else None
    return number if whole is None else whole


def valid_result(method: str, raw: dict[str, Any]) -> dict[str, Any]:
    """A result that the SDK accepts, with the raw result in its `_meta`."""
    if method == "initialize":
        return _initialized(raw)
    key = _EMPTY.get(method)
    if key is None or raw.get("resultType", "complete") not in ("complete", None):
        return raw
    if BARE in raw:
        raw = {key: raw[BARE]}
    kept = {name: raw[name] for name in _KEPT if isinstance(raw.get(name), str | int)}
    result = {**kept, key: [], "_meta": {RAW: raw}}
    if method == "tools/list":
        # The SDK needs the tools, because it sends some of their arguments as headers.
        tools = find_tools(raw.get(key)).tools
        result[key] = [{"name": tool.name, "inputSchema": tool.schema} for tool in tools]
    if isinstance(raw.get("nextCursor"), str):
        result["nextCursor"] = raw["nextCursor"]
    return result


def _initialized(raw: Mapping[str, Any]) -> dict[str, Any]:
    version, info = raw.get("protocolVersion"), raw.get("serverInfo")
    capabilities = raw.get("capabilities")
    if not isinstance(capabilities, dict):
        capabilities = {}
    if not isinstance(info, dict):
        info = {"name": info}
    named = {key: info.get(key) for key in ("name", "version")}
    return {
        # An unknown version is usually invented, so the oldest is used.
        "protocolVersion": version
        if version in HANDSHAKE_PROTOCOL_VERSIONS
        else HANDSHAKE_PROTOCOL_VERSIONS[0],
        "capabilities": {
            name: {}
            for name in ("tools", "resources", "prompts")
            if capabilities.get(name) not in (None, False)
        },
        "serverInfo": {
            key: "" if value is None else str(value)[:200] for key, value in named.items()
        },
    }
