"""Reads the wire of watched calls. Implements WireReading."""

import re

from replyscope.domain.asked import AskedCall
from replyscope.domain.endpoint import public_url
from replyscope.domain.event import RequestSent
from replyscope.domain.exchange import Api
from replyscope.domain.json_text import bounded_object_in
from replyscope.domain.mask import mask_of, public_query
from replyscope.domain.think_tags import ThinkTags
from replyscope.domain.watched import WatchedRequest
from replyscope.provider.asked_requests import read_asked
from replyscope.provider.opening import prepare, reading
from replyscope.provider.watched_reply import WatchedReply

_PATHS = (
    (re.compile(r"/chat/completions/?"), Api.CHAT),
    (re.compile(r"/responses/?"), Api.RESPONSES),
    (re.compile(r"(?:/v1)?/messages/?"), Api.MESSAGES),
)


class WatchedWire:
    """A reader of the requests and responses that `watch` forwards."""

    def prepare(self) -> None:
        """Load the models of the SDK. Blocks for half a second."""
        prepare(Api.RESPONSES)

    def api_of(self, request: WatchedRequest) -> Api | None:
        """The API of a request for a reply; None for any other request."""
        if request.method != "POST":
            return None
        return next((api for path, api in _PATHS if path.fullmatch(request.path)), None)

    def asked(self, request: WatchedRequest, api: Api) -> AskedCall:
        """The conversation in a request's body."""
        body = bounded_object_in(mask_of(request.secrets).body(request.body))
        return AskedCall(api, is_readable=False) if body is None else read_asked(body, api)

    def sent(self, request: WatchedRequest) -> RequestSent:
        """See WireReading."""
        mask = mask_of(request.secrets)
        query = f"?{public_query(request.query)}" if request.query else ""
        url = mask.text(f"{public_url(request.base_url)}{request.path}{query}")
        return RequestSent(
            request.method, url, mask.headers(request.headers), mask.body(request.body)
        )

    def reply(self, request: WatchedRequest, api: Api, think_tags: ThinkTags) -> WatchedReply:
        """A reader of the response."""
        return WatchedReply(reading(api), request.base_url, mask_of(request.secrets), think_tags)
