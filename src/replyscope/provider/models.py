"""Reads a server's model list, with the context window where it says one."""

from typing import Any

from openai.types import Model

from replyscope.domain.endpoint import ModelInfo

_WINDOW_FIELDS = ("context_window", "context_length", "max_model_len", "max_context_length")


def read_models(page: Any) -> tuple[ModelInfo, ...]:
    """The models of a list page, sorted by id. Entries without an id are left out."""
    data = getattr(page, "data", None)
    models = [read_model(entry) for entry in data or () if getattr(entry, "id", None)]
    return tuple(sorted(models, key=lambda model: model.id.lower()))


def read_model(entry: Model) -> ModelInfo:
    """One model. OpenAI says no window; vLLM, LM Studio and llama.cpp do, each its way."""
    extra = entry.model_extra or {}
    meta = extra.get("meta")
    candidates = [extra.get(name) for name in _WINDOW_FIELDS]
    if isinstance(meta, dict):
        candidates += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    window = next((c for c in candidates if isinstance(c, int) and c > 0), None)
    owner = getattr(entry, "owned_by", None)
    return ModelInfo(str(entry.id), owner if isinstance(owner, str) else None, window)
