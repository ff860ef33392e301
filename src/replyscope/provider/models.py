"""Parses a server's model list, with the context window if it is stated."""

from collections.abc import Mapping
from typing import Any

from replyscope.domain.endpoint import ModelInfo

_LONGEST_DATE = 40
_WINDOW_FIELDS = ("context_window", "context_length", "max_model_len", "max_context_length")


def read_models(body: object) -> tuple[ModelInfo, ...]:
    """The models of a list, sorted by id, without entries that have no id.

    Some servers send an array without the enclosing object.
    """
    data = body.get("data", body.get("models")) if isinstance(body, Mapping) else body
    entries = data if isinstance(data, list) else []
    models = [read_model(entry) for entry in entries if isinstance(entry, Mapping)]
    return tuple(sorted((m for m in models if m.id), key=lambda model: model.id.lower()))


def read_model(entry: Mapping[str, Any]) -> ModelInfo:
    """One model. vLLM, LM Studio and llama.cpp state the window in different fields."""
    meta = entry.get("meta")
    candidates = [entry.get(name) for name in _WINDOW_FIELDS]
    if isinstance(meta, Mapping):
        candidates += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    window = next((c for c in candidates if isinstance(c, int) and c > 0), None)
    name, owner, last_day = (entry.get(key) for key in ("id", "owned_by", "shutdown_date"))
    return ModelInfo(
        name if isinstance(name, str) else "",
        owner if isinstance(owner, str) else None,
        window,
        last_day[:_LONGEST_DATE] if isinstance(last_day, str) and last_day else None,
    )
