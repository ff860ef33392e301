"""Parses the JSON-RPC messages of servers, tolerantly. Pure.

Accepted in addition to the standard form: a missing `jsonrpc`, a batch, ids as strings or
floats, a result or an error of any type, `null` for an absent field, a byte order mark, lone
surrogates.
"""

import json
from collections.abc import Iterator
from typing import Any

from mcp.types import (
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from replyscope.domain.json_text import read_json

BARE = "replyscope/bare"
"""The key for a result of another type than an object."""
_INTERNAL_ERROR = -32603


class NotAMessage(ValueError):
    """The text is not a JSON-RPC message."""


def read_messages(text: bytes) -> Iterator[JSONRPCMessage]:
    """Parse the messages of a line. Raises NotAMessage."""
    try:
        value = read_json(text.decode("utf-8-sig", "replace"))
        if b"\\ud" in text or b"\\uD" in text:
            value = json.loads(_whole(json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        raise NotAMessage from error
    for one in value if isinstance(value, list) and value else [value]:
        yield _message(one)


def _whole(text: str) -> str:
    """The text with lone surrogates replaced, because they cannot be encoded."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _message(value: Any) -> JSONRPCMessage:
    if not isinstance(value, dict):
        raise NotAMessage
    method, params, number = value.get("method"), value.get("params"), _id(value.get("id"))
    if isinstance(method, str):
        given = {"params": params} if isinstance(params, dict) else {}
        if number is None:
            return JSONRPCNotification(jsonrpc="2.0", method=method, **given)
        return JSONRPCRequest(jsonrpc="2.0", id=number, method=method, **given)
    if value.get("error") is not None:
        return JSONRPCError(jsonrpc="2.0", id=number, error=_error(value["error"]))
    if number is not None and "result" in value:
        result = value["result"]
        return JSONRPCResponse(
            jsonrpc="2.0", id=number, result=result if isinstance(result, dict) else {BARE: result}
        )
    raise NotAMessage


def _id(value: Any) -> int | str | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _error(value: Any) -> ErrorData:
    if not isinstance(value, dict):
        value = {"message": value if isinstance(value, str) else json.dumps(value)}
    code, message = value.get("code"), value.get("message")
    if not isinstance(message, str) or not message:
        message = json.dumps({name: given for name, given in value.items() if name != "code"})
    is_code = isinstance(code, int) and not isinstance(code, bool)
    return ErrorData(
        code=code if is_code else _INTERNAL_ERROR, message=message, data=value.get("data")
    )
