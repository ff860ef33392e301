"""Translates connection errors into failures that name the proxy, the certificates or the
address.
"""

import ssl
from urllib.parse import urlsplit

import httpx2

from replyscope.domain.address import AddressError, read_base_url, without_login
from replyscope.domain.failure import Failure
from replyscope.domain.mask import Mask
from replyscope.domain.route import Route
from replyscope.domain.sse import Flood
from replyscope.domain.system_words import without_number
from replyscope.provider.bounds import TooLate
from replyscope.provider.redirects import Redirected

_LONGEST = 500

BAD_KEY = Failure(
    "bad_key",
    "The API key or a header contains a character that HTTP cannot send.",
    "Copy the key again; a key has only ASCII characters.",
)


class ConnectionErrors:
    """A translator of connection errors for one server, its route and its mask."""

    def __init__(self, base_url: str, mask: Mask, route: Route) -> None:
        self._base_url = without_login(base_url)
        self.host = urlsplit(self._base_url).netloc or self._base_url
        self._mask = mask
        self._trusted_by = route.trusted_by
        self._proxy = route.proxy
        self._through = route.through

    @property
    def path_hint(self) -> str:
        """The hint for a base URL without a path; empty when it has one."""
        if urlsplit(self._base_url).path or self.host.endswith(".azure.com"):
            return ""
        return f"Most servers need a path in the base URL: try {self._base_url}/v1."

    def flood(self, cause: Flood) -> Failure:
        """The failure of a response that exceeds a limit."""
        return Failure(
            "flood",
            f"{self.host} sent {cause}. The rest was not read.",
            "The partial reply is kept. See the wire view; the fault is the server's.",
        )

    def timeout(self, cause: BaseException) -> Failure:
        """The failure of a response that does not start, or does not end, in time."""
        said = "sent no data in time"
        if isinstance(cause, TooLate):
            said = str(cause)
        elif isinstance(cause, httpx2.ConnectTimeout):
            said = f"did not accept the connection in time{self._through}"
        return Failure(
            "timeout",
            f"{self.host} {said}.",
            "Retry, or raise timeout_s for this provider in the settings.",
        )

    def _redirected(self, cause: Redirected) -> Failure:
        """The failure of a redirect that was not followed, with the base URL of its target."""
        where = self._mask.text(cause.target)
        why = "The API key is not sent to another server"
        if not cause.is_elsewhere:
            why = "Following the redirect would drop the request body"
        try:
            hint = f"set the base URL to {read_base_url(where).base_url}"
        except AddressError:
            hint = "check the base URL"
        return Failure(
            "redirected",
            f"{self.host} redirects to {where} ({cause.status}). {why}.",
            f"If this is the right server, {hint}.",
            status=cause.status,
        )

    def bad_url(self, detail: str) -> Failure:
        """The failure of an invalid base URL."""
        detail = self._mask.text(detail)
        return Failure(
            "bad_url",
            f"{self.host} is not a valid server address ({short(detail)}).",
            "Enter the complete base URL, such as http://127.0.0.1:8080/v1.",
        )

    def translate(self, cause: BaseException) -> Failure:
        """The failure for the root cause of a connection error."""
        if isinstance(cause, Redirected):
            return self._redirected(cause)
        if isinstance(cause, Flood):
            return self.flood(cause)
        detail = self._mask.text(str(cause)) or type(cause).__name__
        if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError | ConnectionResetError):
            return Failure(
                "interrupted",
                f"The connection to {self.host}{self._through} was interrupted ({short(detail)}).",
                "The partial reply is kept. Continue or retry.",
            )
        if isinstance(cause, httpx2.LocalProtocolError) and "header value" in detail:
            return BAD_KEY  # the detail quotes the key in an encoding that the mask does not match
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL | OverflowError):
            return self.bad_url(detail)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                "tls",
                f"The TLS handshake with {self.host} failed ({short(detail)}).",
                "If the server uses plain HTTP, start the base URL with http://.",
            )
        if isinstance(cause, ssl.SSLError):
            known = f"Authorities come from {self._trusted_by}. " if self._trusted_by else ""
            return Failure(
                "tls",
                f"The certificate of {self.host} is not trusted ({short(detail)}).",
                f"{known}For a private authority, set ca_bundle for this provider in the settings.",
            )
        return self._unreachable(short(detail))

    def _unreachable(self, detail: str) -> Failure:
        next_step = "Check the base URL and the network, and that the server is running."
        if self._proxy is not None:
            next_step = "Check the proxy of this provider in the settings."
            if self._proxy.source.isidentifier():
                next_step = f"Check the proxy in {self._proxy.source}; NO_PROXY lists exceptions."
        return Failure(
            "unreachable", f"Could not connect to {self.host}{self._through} ({detail}).", next_step
        )


def short(text: str) -> str:
    """A server's or library's text in one line of bounded length, without its full stop and
    without error numbers of the system.
    """
    text = without_number(" ".join(text.split()).rstrip("."))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def root_cause(error: BaseException) -> BaseException:
    """The deepest cause of an error that has a message."""
    seen = {id(error)}
    best = error
    while (deeper := error.__cause__ or error.__context__) is not None and id(deeper) not in seen:
        seen.add(id(deeper))
        error = deeper
        if isinstance(error, httpx2.HTTPError | OSError) and str(error):
            best = error
        if isinstance(error, ssl.SSLError | httpx2.ReadError | httpx2.RemoteProtocolError):
            return error
    return best
