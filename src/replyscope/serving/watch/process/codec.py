"""The encoding of messages: the size of a head in JSON, the size of raw bytes, and both.

What may be large is in the raw bytes, so that it is not escaped.
"""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from replyscope.domain.authorities import Authorities
from replyscope.domain.watched import Client, Refuse, WatchedRequest
from replyscope.serving.faults.rule import FaultRule
from replyscope.serving.gate import AnswerRecorded, Decision, Send
from replyscope.serving.playback import Ending, RecordedResponse
from replyscope.serving.watch.process import messages
from replyscope.serving.watch.process.messages import Message, UpstreamSetup
from replyscope.serving.watch.process.trust import Trust, TrustKind
from replyscope.serving.watch.upstream import Access

_SIZES = struct.Struct(">II")
MOST_OF_A_HEAD = 64 * 1024 * 1024
MOST_OF_RAW = 1024 * 1024 * 1024
_Values = list[Any]


class MessageError(ValueError):
    """Bytes that can't be decoded as a message."""


def encode(message: Message) -> bytes:
    """The bytes of a message."""
    values, raw = _values_of(message)
    head = json.dumps([type(message).__name__, *values], separators=(",", ":")).encode("ascii")
    return b"".join((_SIZES.pack(len(head), len(raw)), head, raw))


class MessageReader:
    """Finds the messages in a stream of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next message; None until it is complete. Raises MessageError."""
        if len(self._buffer) < _SIZES.size:
            return None
        of_head, of_raw = _SIZES.unpack_from(self._buffer)
        if of_head > MOST_OF_A_HEAD or of_raw > MOST_OF_RAW:
            raise MessageError(f"a message of {of_head} and {of_raw} bytes is too large")
        start = _SIZES.size + of_head
        if len(self._buffer) < start + of_raw:
            return None
        with memoryview(self._buffer) as view:
            head, raw = bytes(view[_SIZES.size : start]), bytes(view[start : start + of_raw])
        del self._buffer[: start + of_raw]
        return _decode(head, raw)


def _decode(head: bytes, raw: bytes) -> Message:
    try:
        name, *values = json.loads(head)
        return _READERS[name](values, raw)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise MessageError(f"a message can't be read ({type(error).__name__})") from error


def _values_of(message: Message) -> tuple[_Values, bytes]:
    """The values in the head, and the raw bytes."""
    match message:
        case messages.Received(call=call, data=data, at_ms=at_ms):
            return [call, at_ms], data
        case messages.Called(call=number, request=request):
            return [number, _request_values(request)], request.body
        case messages.GateAsked() | messages.FaultAsked():
            return [message.question, _request_values(message.request)], message.request.body
        case messages.Decided(question=question, decision=decision):
            values, raw = _decision_values(decision)
            return [question, *values], raw
        case messages.FaultChosen(question=question, rule=rule):
            return [question, None if rule is None else _rule_values(rule)], b""
        case messages.Setup():
            upstreams = [_upstream_values(one) for one in message.upstreams]
            raw = b"".join(one.trust.certificates for one in message.upstreams)
            return [upstreams, *_fields_of(message)[1:]], raw
        case _:
            return _fields_of(message), b""


def _fields_of(value: Any) -> _Values:
    return [getattr(value, one.name) for one in fields(value)]


def _pairs(values: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in values)


_REQUEST = [one.name for one in fields(WatchedRequest) if one.name != "body"]


def _request_values(request: WatchedRequest) -> _Values:
    values = {name: getattr(request, name) for name in _REQUEST}
    client = request.client
    values["at"] = request.at.isoformat()
    values["client"] = [client.name, client.pid, client.command]
    return list(values.values())


def _read_request(values: _Values, body: bytes) -> WatchedRequest:
    named = dict(zip(_REQUEST, values, strict=True))
    named["at"] = datetime.fromisoformat(named["at"])
    named["client"] = Client(*named["client"])
    named["headers"], named["secrets"] = _pairs(named["headers"]), tuple(named["secrets"])
    return WatchedRequest(**named, body=body)


_RULE = [one.name for one in fields(FaultRule) if one.name != "when"]


def _rule_values(rule: FaultRule) -> _Values:
    return [getattr(rule, name) for name in _RULE]


def _read_rule(values: _Values) -> FaultRule:
    return FaultRule(**dict(zip(_RULE, values, strict=True)))


def _decision_values(decision: Decision) -> tuple[_Values, bytes]:
    match decision:
        case Send(body=body):
            return ["send", body is not None], body or b""
        case Refuse(status=status, message=text):
            return ["refuse", status, text], b""
        case AnswerRecorded(playback=found):
            parts = [(pause_s, len(data)) for pause_s, data in found.parts]
            values = [found.exchange_id, found.status, found.headers, parts, found.ending]
            return ["answer", *values], b"".join(data for _, data in found.parts)


def _read_decision(values: _Values, raw: bytes) -> Decision:
    kind, *rest = values
    if kind == "send":
        (has_body,) = rest
        return Send(raw if has_body else None)
    if kind == "refuse":
        return Refuse(*rest)
    exchange_id, status, headers, sizes, ending = rest
    parts = tuple(_parts(sizes, raw))
    return AnswerRecorded(
        RecordedResponse(exchange_id, status, _pairs(headers), parts, Ending(ending))
    )


def _parts(sizes: _Values, raw: bytes) -> Iterator[tuple[float, bytes]]:
    start = 0
    for pause_s, size in sizes:
        yield pause_s, raw[start : start + size]
        start += size


def _upstream_values(one: UpstreamSetup) -> _Values:
    access = None if one.access is None else _fields_of(one.access)
    trust, known = one.trust, one.trust.authorities
    files = None if known is None else [known.source, [*map(str, known.paths)], known.are_folders]
    trusted = [trust.kind, files, len(trust.certificates), trust.flags]
    return [one.name, one.base_url, one.secrets, access, one.proxy, trusted]


def _read_setup(values: _Values, raw: bytes) -> messages.Setup:
    listed, *rest = values
    upstreams, start = [], 0
    for name, base_url, secrets, access, proxy, (kind, files, size, flags) in listed:
        certificates = raw[start : start + size]
        start += size
        known = None
        if files is not None:
            known = Authorities(files[0], tuple(map(Path, files[1])), files[2])
        trust = Trust(TrustKind(kind), known, certificates, flags)
        ours = None if access is None else Access(access[0], _pairs(access[1]), access[2])
        through = None if proxy is None else (proxy[0], proxy[1])
        upstreams.append(UpstreamSetup(name, base_url, tuple(secrets), ours, through, trust))
    address, port, token, own_names, has_gate, has_faults, most = rest
    return messages.Setup(
        tuple(upstreams), address, port, token, tuple(own_names), has_gate, has_faults, most
    )


def _plain(kind: type[Any]) -> Callable[[_Values, bytes], Message]:
    def read(values: _Values, _raw: bytes) -> Message:
        made: Message = kind(*values)
        return made

    return read


_PLAIN = (
    messages.Settle,
    messages.Stop,
    messages.Listening,
    messages.NotListening,
    messages.Noted,
    messages.Settled,
    messages.FaultMissed,
    messages.CallEnded,
    messages.Withdrawn,
)
_READERS: dict[str, Callable[[_Values, bytes], Message]] = {
    **{kind.__name__: _plain(kind) for kind in _PLAIN},
    "Setup": _read_setup,
    "Received": lambda values, raw: messages.Received(values[0], raw, values[1]),
    "Responded": lambda values, _raw: messages.Responded(
        values[0], values[1], _pairs(values[2]), values[3]
    ),
    "Called": lambda values, raw: messages.Called(values[0], _read_request(values[1], raw)),
    "GateAsked": lambda values, raw: messages.GateAsked(values[0], _read_request(values[1], raw)),
    "FaultAsked": lambda values, raw: messages.FaultAsked(values[0], _read_request(values[1], raw)),
    "Decided": lambda values, raw: messages.Decided(values[0], _read_decision(values[1:], raw)),
    "FaultChosen": lambda values, _raw: messages.FaultChosen(
        values[0], None if values[1] is None else _read_rule(values[1])
    ),
}
