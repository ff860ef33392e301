"""Finds the error in a response with status 200, in any format. Pure.

The formats and their senders:

    {"error": …}                              OpenAI, OpenRouter, llama.cpp, Groq
    {"object": "error", "message": …}         vLLM, LMDeploy
    {"type": "error", "error": …}             Anthropic and its gateways
    {"detail": …}                             servers made with FastAPI
    {"base_resp": {"status_code": 1004, …}}   MiniMax
    {"errors": […]}                           Cloudflare
    {"code": …, "message": …}                 DashScope, SiliconFlow
    {"success": false, "message": …}          gateways
    {"choices": [{"error": …}]}               OpenRouter, when its provider fails
    event: error                              proxies, with JSON or text
"""

from collections.abc import Mapping
from typing import Any

from replyscope.provider.plain import fields_of, list_of

_WORDS = ("message", "msg", "error_msg", "error_message", "err_msg", "errmsg", "errorMessage")
_CODES = ("code", "error_code", "err_code", "status_code", "statusCode", "status", "errcode")
_FINE = ("", "success", "ok", "true", "completed", "in_progress", "processing")
_FAILED = ("error", "failed", "failure", "fail")


def find_error(data: Mapping[str, Any], event: str | None = None) -> object | None:
    """The error object or text in the JSON of one event; None when there is none."""
    error = data.get("error")
    if error and not (error is True and _first_words(data)):
        return _with_outer_words(error, data)
    if event == "error" or data.get("object") == "error" or data.get("type") == "error":
        return dict(data)
    base = data.get("base_resp")
    if isinstance(base, Mapping) and _is_fault("status_code", base.get("status_code")):
        return {"message": base.get("status_msg"), "code": base.get("status_code")}
    choices = data.get("choices")
    if choices or _is_of_a_reply(data):
        return _error_of_choices(choices)
    for name in ("detail", "errors"):
        if data.get(name):
            return {"message": data[name], "code": _code(data)}
    words = _first_words(data)
    if words and (error or data.get("success") is False or _code(data) is not None):
        return {"message": words, "code": _code(data)}
    return None


def _with_outer_words(error: object, data: Mapping[str, Any]) -> object:
    """The error with the message of a sibling field: {"error": "Bad", "message": …}."""
    words = _first_words(data)
    if isinstance(error, str) and words and words != error:
        return {"message": f"{error}: {words}", "code": _code(data)}
    return error


def _error_of_choices(choices: object) -> object | None:
    errors = (fields_of(choice).get("error") for choice in list_of(choices))
    return next((error for error in errors if error), None)


def _is_of_a_reply(data: Mapping[str, Any]) -> bool:
    """Whether the JSON is a chunk or a response, which may have fields of the same names."""
    kind = data.get("object")
    is_chunk = isinstance(kind, str) and kind.startswith(("chat.completion", "response"))
    return is_chunk or data.get("usage") is not None or "output" in data


def _first_words(data: Mapping[str, Any]) -> str | None:
    return next((data[n] for n in _WORDS if isinstance(data.get(n), str) and data[n]), None)


def _code(data: Mapping[str, Any]) -> object | None:
    return next((data[name] for name in _CODES if _is_fault(name, data.get(name))), None)


def _is_fault(name: str, code: object) -> bool:
    """Whether a code means an error: not 0, and not an HTTP success code."""
    if isinstance(code, bool) or code is None:
        return False
    if isinstance(code, str) and not code.lstrip("-").isdigit():
        word = code.lower()
        return word in _FAILED if name.startswith("status") else word not in _FINE
    if not isinstance(code, int | str):
        return False
    number = int(code) if len(str(code)) < 20 else 1
    return number != 0 and not 200 <= number < 300
