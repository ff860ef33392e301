"""Translates exceptions of the SDK into failures with a message and a next step.

The only module that uses the SDK's exceptions. Every message names the server and quotes it.
"""

import logging
import re
from dataclasses import replace
from typing import Any

import httpx2
import openai

from replyscope.domain.failure import Failure
from replyscope.domain.json_text import read_bounded_json
from replyscope.domain.mask import Mask
from replyscope.domain.route import Route
from replyscope.domain.sse import Flood
from replyscope.provider.connection_errors import BAD_KEY, ConnectionErrors, root_cause, short
from replyscope.provider.error_words import words_of_error

_log = logging.getLogger(__name__)


class ErrorTranslator:
    """A translator of exceptions for one server and its mask."""

    def __init__(self, base_url: str, mask: Mask, route: Route) -> None:
        self._connection = ConnectionErrors(base_url, mask, route)
        self._host = self._connection.host
        self._mask = mask

    def translate(self, error: BaseException) -> Failure:
        """The failure for an SDK, HTTP or decoding error."""
        cause = root_cause(error)
        _log.debug("%s from %s: %s", type(error).__name__, self._host, type(cause).__name__)
        if isinstance(error, openai.APIStatusError):
            return self._status(error)
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return self._connection.timeout(cause)
        if isinstance(error, httpx2.InvalidURL):
            return self._connection.bad_url(str(error))
        if isinstance(cause, httpx2.DecodingError):
            return self.not_a_stream(f"it cannot be decompressed ({short(str(cause))})")
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError | OSError):
            return self._connection.translate(cause)
        if isinstance(error, openai.APIError):
            return self._in_stream(error)
        if isinstance(error, UnicodeEncodeError):
            return BAD_KEY
        if isinstance(error, Flood):
            return self._connection.flood(error)
        if isinstance(error, ValueError):
            return self.garbled()
        return Failure(
            "unexpected",
            f"{self._host}: {type(error).__name__}: {short(self._mask.text(str(error)))}",
            "Retry. If it happens again, run with --debug and report the log.",
        )

    def _status(self, error: openai.APIStatusError) -> Failure:
        said = server_words(error.body) or error.message
        code = error.code if isinstance(error.code, str) else None
        return self.refused(error.status_code, said, code, error.request_id)

    def refused(
        self, status: int, said: str, code: str | None = None, request_id: str | None = None
    ) -> Failure:
        """The failure for a response with an error status and the server's words."""
        said, code = self._mask.text(said), self._mask.known(code)
        kind = _kind(status, code, said)
        sentence, next_step = _SENTENCES.get(kind, _SENTENCES["server"])
        if kind == "not_found":
            next_step = self._connection.path_hint or next_step
        return Failure(
            kind,
            f"{sentence.format(host=self._host, status=status)}: {_sentence(said)}",
            next_step,
            status=status,
            code=code,
            request_id=self._mask.known(request_id),
        )

    def refused_with(self, status: int, text: str, request_id: str | None = None) -> Failure:
        """The failure for a response with an error status and its body."""
        try:
            body: object = read_bounded_json(text)
        except ValueError:
            body = text
        said = server_words(body) or f"status {status}, without a reason"
        return self.refused(status, said, _code_of(body), request_id)

    def broken_off(self, why: str = "") -> Failure:
        """The failure of a response whose connection closed in the middle."""
        detail = f" ({short(self._mask.text(why))})" if why else ""
        return Failure(
            "interrupted",
            f"{self._host} closed the connection before the response was complete{detail}.",
            "The partial reply is kept.",
        )

    def _in_stream(self, error: openai.APIError) -> Failure:
        return self.in_stream(error.body or error.message)

    def in_stream(self, body: object) -> Failure:
        """The failure for an error object in a stream."""
        said = self._mask.text(server_words(body) or "no reason given")
        code = self._mask.known(_code_of(body))
        kind = _kind(None, code, said)
        if kind == "server":
            kind = "server_error_in_stream"
        return Failure(
            kind,
            f"{self._host} ended the stream with an error: {_sentence(said)}",
            "The partial reply is kept. Retry.",
            code=code,
        )

    def in_body(self, body: Any) -> Failure:
        """The failure for an error object in a response with status 200."""
        code = self._mask.known(_code_of(body))
        words = server_words(body) or "no reason given"
        return Failure(
            _kind(None, code, words),
            f"{self._host} returned an error: {_sentence(self._mask.text(words))}",
            "Check the model and the parameters, then retry.",
            status=200,
            code=code,
        )

    def of_stored(self, error: BaseException, response_id: str) -> Failure:
        """The failure of a request for a stored reply that has expired or is not supported."""
        failure = self.translate(error)
        if failure.status not in (404, 405, 501):
            return failure
        if failure.status == 404 and response_id in failure.message:
            return replace(
                failure,
                kind="expired",
                message=f"{self._host} does not have {response_id}: expired, or never stored.",
                next_step="Servers keep a reply for about 30 days, and only if it was stored.",
            )
        return replace(
            failure,
            kind="unsupported",
            message=f"This is not supported by this server: {self._host} does not store replies.",
            next_step="The replies that replyscope saved are in `replyscope sessions`.",
        )

    def of_count(self, error: BaseException) -> Failure:
        """The failure of a request for a token count, which few servers support."""
        failure = self.translate(error)
        lacks_it = failure.status in (404, 405, 501) or type(error) is ValueError
        if not lacks_it:
            return failure
        return replace(
            failure,
            kind="unsupported",
            message=f"{self._host} does not count tokens: it has no /responses/input_tokens.",
            next_step="The estimate is kept.",
        )

    def garbled(self) -> Failure:
        """The failure of a stream whose last frames are not JSON."""
        return Failure(
            "garbled",
            f"{self._host} sent frames that are not JSON.",
            "See the wire view; the fault is the server's.",
            status=200,
        )

    def nothing_came(self) -> Failure:
        """The failure of a response with status 200 and no event."""
        return Failure(
            "empty",
            f"{self._host} sent an empty response.",
            "Retry; if it happens again, check the base URL and the server's log.",
            status=200,
        )

    def cut_short(self) -> Failure:
        """The failure of a stream that was closed in the middle of a frame."""
        return Failure(
            "interrupted",
            f"{self._host} ended the response in the middle of a frame.",
            "The partial reply is kept. Continue or retry.",
        )

    def not_a_stream(self, body: str) -> Failure:
        """The failure of a response with status 200 that is neither a stream nor a reply."""
        said = self._mask.text(_title_or_start(body))
        return Failure(
            "not_a_stream",
            f"{self._host} did not return a reply: {_sentence(said)}",
            self._connection.path_hint or "Check the base URL (on most servers it ends in /v1).",
            status=200,
        )


_SENTENCES = {
    "authentication": (
        "{host} rejected the API key ({status})",
        "Set a valid key: /provider in the app, or OPENAI_API_KEY.",
    ),
    "permission": ("{host} denied access ({status})", "Check the permissions of this key."),
    "not_found": (
        "{host} did not find this model or address ({status})",
        "Pick another model (F2 in the app, --model), or check the base URL.",
    ),
    "context_overflow": (
        "The conversation exceeds the context window on {host} ({status})",
        "Start a new session, shorten the prompt, or pick a model with a larger window.",
    ),
    "too_large": (
        "The request is too large for {host} ({status})",
        "Send less: shorten the prompt or the attachments.",
    ),
    "bad_request": (
        "{host} rejected the request ({status})",
        "Change the parameter that it names, then send again.",
    ),
    "content_filter": (
        "{host} blocked the request before it reached the model ({status})",
        "Change the content that the filter names, then send again; the wire view has details.",
    ),
    "rate_limit": ("{host} limits the request rate ({status})", "Wait a moment, then retry."),
    "quota": (
        "The quota of this account on {host} is used up ({status})",
        "Check the plan and billing of this account; retrying will not help.",
    ),
    "server": ("{host} failed ({status})", "Retry in a moment; the fault is the server's."),
}


def _kind(status: int | None, code: str | None, said: str) -> str:
    lowered = said.lower()
    if code == "insufficient_quota" or "exceeded your current quota" in lowered:
        return "quota"
    if code in ("content_filter", "content_policy_violation"):
        return "content_filter"
    if code == "context_length_exceeded" or re.search(
        r"context (length|window|size)|maximum context|exceeds the available context", lowered
    ):
        return "context_overflow"
    by_status = {
        401: "authentication",
        403: "permission",
        404: "not_found",
        405: "not_found",
        408: "timeout",
        413: "too_large",
        429: "rate_limit",
    }
    if status is None:
        return "server"
    if status in by_status:
        return by_status[status]
    return "bad_request" if 400 <= status < 500 else "server"


def _code_of(body: object) -> str | None:
    """The code of an error object, flat or nested in `error`."""
    if not isinstance(body, dict):
        return None
    code = body.get("code")
    if code is None and isinstance(body.get("error"), dict):
        code = body["error"].get("code")
    return str(code) if code is not None and code != "" else None


def server_words(body: object) -> str | None:
    """The message in an error body of any format; None when there is none."""
    words = words_of_error(body)
    return _title_or_start(words) if words else None


def _title_or_start(text: str) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    if title:
        return f"an HTML page, “{' '.join(title[1].split())}”"
    if re.match(r"\s*<(!doctype|html)", text, re.IGNORECASE):
        return "an HTML page"
    return " ".join(text.split())


def _sentence(text: str) -> str:
    """A server's text as a sentence with its final punctuation."""
    text = short(text)
    return text if text.endswith(("!", "?", "…", "}", "”")) else f"{text}."
