"""Builds the objects of `--json` output. Stable: fields may be added, never changed."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from replyscope.domain.exchange import Choice, Exchange, ReplyImage, ToolCall
from replyscope.domain.message import (
    AudioPart,
    DocumentPart,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    Part,
    PromptPart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from replyscope.domain.search import Hit
from replyscope.domain.session import SessionSummary
from replyscope.inspection.findings import find_oddities


def iso(time: datetime) -> str:
    """A time in ISO 8601 and UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exchange_object(exchange: Exchange) -> dict[str, Any]:
    """The object of an exchange."""
    timing, failure = exchange.timing, exchange.failure
    return {
        "id": exchange.id,
        "api": exchange.api.value,
        "model": exchange.model,
        "response_id": exchange.response_id,
        "request_id": exchange.request_id,
        "state": exchange.state.value,
        "choices": [_choice_object(choice) for choice in exchange.choices],
        "usage": _usage_object(exchange),
        "cost": _cost_object(exchange),
        "timing": {
            "first_event_ms": _round(timing.first_event_ms),
            "first_token_ms": _round(timing.first_token_ms),
            "duration_ms": _round(timing.duration_ms),
        },
        "findings": list(find_oddities(exchange)),
        "error": None
        if failure is None
        else {
            "type": failure.kind,
            "message": f"{failure.message} {failure.next_step}".strip(),
            "status": failure.status,
            "code": failure.code,
        },
        "rules": list(exchange.firings),
        "answered_model": exchange.answered_model,
        "service_tier": exchange.service_tier,
        "frame_count": exchange.frame_count,
        "retries": [
            {"message": retry.failure.message, "waited_s": retry.wait_s}
            for retry in exchange.retries
        ],
        "prompts": [{"name": name, "version": version} for name, version in exchange.prompts],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _choice_object(choice: Choice) -> dict[str, Any]:
    return {
        "index": choice.index,
        "text": choice.text,
        "reasoning": choice.reasoning,
        "refusal": choice.refusal,
        "finish_reason": choice.finish_reason.value if choice.finish_reason else None,
        "finish_reason_raw": choice.finish_reason_raw,
        "tool_calls": [_call_object(call) for call in choice.tool_calls],
        "citations": [asdict(citation) for citation in choice.citations],
        "images": [_image_object(image) for image in choice.images],
        "order": [{"type": run.kind.value, "start": run.start} for run in choice.order],
        "items": [{"type": item.kind, "index": item.index} for item in choice.items],
    }


def _image_object(image: ReplyImage) -> dict[str, Any]:
    return {
        "type": "file" if image.kind == "file" else "image",
        "name": image.name or None,
        "media_type": image.media_type or None,
        "size": image.size,
        "path": image.path or None,
        "url": image.url or None,
    }


def _call_object(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "kind": call.kind,
        "name": call.name,
        "arguments": call.arguments,
        "result": call.result,
        "state": call.state.value,
        "duration_ms": call.duration_ms,
        "server": call.server,
    }


def _cost_object(exchange: Exchange) -> dict[str, Any] | None:
    if exchange.cost_usd is None:
        return None
    source = "estimated" if exchange.reported_cost_usd is None else "reported"
    return {"amount_usd": exchange.cost_usd, "source": source}


def _usage_object(exchange: Exchange) -> dict[str, int | None] | None:
    usage = exchange.usage
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def summary_object(summary: SessionSummary) -> dict[str, Any]:
    """The object of a session in a list."""
    return {
        "id": summary.id,
        "title": summary.title,
        "model": summary.model,
        "created_at": iso(summary.created_at),
        "updated_at": iso(summary.updated_at),
        "exchange_count": summary.exchange_count,
        "tags": list(summary.tags),
        "state": summary.state,
        "is_pinned": summary.is_pinned,
        "is_archived": summary.is_archived,
        "source": summary.source,
        "client": summary.client,
    }


def hit_object(hit: Hit) -> dict[str, Any]:
    """The object of a search result."""
    return {
        "session_id": hit.session_id,
        "exchange_id": hit.exchange_id,
        "snippet": hit.snippet,
        "finish_reason": hit.finish or None,
        "model": hit.model,
        "created_at": iso(hit.started_at),
        "usage": None
        if hit.tokens is None and hit.output_tokens is None
        else {
            "input_tokens": hit.input_tokens,
            "output_tokens": hit.output_tokens,
            "total_tokens": hit.tokens,
        },
        "cost": None if hit.cost_usd is None else {"amount_usd": hit.cost_usd},
        "title": hit.title,
        "state": hit.state,
        "client": hit.client or None,
        **({"by": hit.by, "machine": hit.machine} if hit.by else {}),
    }


def message_object(message: Message) -> dict[str, Any]:
    """The object of a message with its parts. Images have a name and a size, but no bytes."""
    return {
        "id": message.id,
        "role": message.role.value,
        "created_at": iso(message.created_at),
        "parent_id": message.parent_id,
        "exchange_ids": [source.exchange_id for source in message.sources],
        "parts": [_part_object(part) for part in message.parts],
    }


def _file_object(kind: str, part: ImagePart | AudioPart) -> dict[str, Any]:
    size = len(part.data)
    return {"type": kind, "name": part.name, "media_type": part.media_type, "size": size}


def _part_object(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text=text):
            return {"type": "text", "text": text}
        case ImagePart():
            return _file_object("image", part)
        case FilePart(name=name, text=text):
            return {"type": "file", "name": name, "text": text}
        case AudioPart():
            return _file_object("audio", part)
        case DocumentPart():
            pages = {"pages": part.page_count, "text": part.text}
            return {"type": "document", "name": part.name, "size": len(part.data), **pages}
        case ReasoningPart(text=text):
            return {"type": "reasoning", "text": text}
        case RefusalPart(text=text):
            return {"type": "refusal", "text": text}
        case ToolCallPart():
            return {
                "type": "tool_call",
                "call_id": part.call_id,
                "name": part.name,
                "arguments": part.arguments,
            }
        case ToolResultPart(call_id=call_id, output=output):
            return {"type": "tool_result", "call_id": call_id, "output": output}
        case PromptPart(name=name, version=version):
            return {"type": "prompt", "name": name, "version": version}
        case OpaquePart(kind=kind, payload=payload):
            return {"type": kind, "payload": payload}
