"""Translates what goes wrong on the way to a server into failures that name the proxy, the
certificates or the address.
"""

import ssl
from urllib.parse import urlsplit

import httpx2

from replyscope.domain.address import AddressError, read_base_url, without_login
from replyscope.domain.failure import Failure
from replyscope.domain.route import Route
from replyscope.domain.sse import Flood
from replyscope.provider.bounds import TooLate
from replyscope.provider.mask import Mask
from replyscope.provider.redirects import Redirected

_LONGEST = 500

BAD_KEY = Failure(
    "bad_key",
    "The API key or a header has a character that HTTP can't carry.",
    "Copy the key again; it is plain letters and digits.",
)


class ConnectionErrors:
    """Knows the server's name, the way to it, and what to mask."""

    def __init__(self, base_url: str, mask: Mask, route: Route) -> None:
        self._base_url = without_login(base_url)
        self.host = urlsplit(self._base_url).netloc or self._base_url
        self._mask = mask
        self._trusted_by = route.trusted_by
        self._proxy = route.proxy
        self._through = route.through

    @property
    def path_hint(self) -> str:
        """What to do when nothing is found below a base URL without a path; empty with one."""
        if urlsplit(self._base_url).path or self.host.endswith(".azure.com"):
            return ""
        return f"Most servers want a path in the base URL: try {self._base_url}/v1."

    def flood(self, cause: Flood) -> Failure:
        """The failure of an answer that has no end, or is too large."""
        return Failure(
            "flood",
            f"{self.host} sent {cause}, and was not read any further.",
            "What came is kept. See the wire view; the fault is the server's.",
        )

    def timeout(self, cause: BaseException) -> Failure:
        """The failure of an answer that does not begin, or does not end."""
        said = "sent nothing for too long"
        if isinstance(cause, TooLate):
            said = str(cause)
        elif isinstance(cause, httpx2.ConnectTimeout):
            said = f"did not take the connection in time{self._through}"
        return Failure(
            "timeout",
            f"{self.host} {said}.",
            "Retry, or raise timeout_s for this provider in the settings.",
        )

    def _redirected(self, cause: Redirected) -> Failure:
        """The failure of a redirect that was not followed; the base URL it would lead to."""
        where = self._mask.text(cause.target)
        why = "is not followed there" if cause.is_elsewhere else "would lose its body"
        try:
            hint = f"set the base URL to {read_base_url(where).base_url}"
        except AddressError:
            hint = "check the base URL"
        return Failure(
            "redirected",
            f"{self.host} redirects to {where} ({cause.status}); a request with a key {why}.",
            f"If that is the right server, {hint}.",
            status=cause.status,
        )

    def bad_url(self, detail: str) -> Failure:
        """The failure of a base URL that no request can go to."""
        detail = self._mask.text(detail)
        return Failure(
            "bad_url",
            f"{self.host} is not an address that a request can go to ({short(detail)}).",
            "Give the base URL whole, such as http://127.0.0.1:8080/v1.",
        )

    def translate(self, cause: BaseException) -> Failure:
        """The failure that a cause on the way stands for."""
        if isinstance(cause, Redirected):
            return self._redirected(cause)
        if isinstance(cause, Flood):
            return self.flood(cause)
        detail = self._mask.text(str(cause)) or type(cause).__name__
        if isinstance(cause, httpx2.RemoteProtocolError | httpx2.ReadError | ConnectionResetError):
            return Failure(
                "interrupted",
                f"The connection to {self.host}{self._through} broke off ({short(detail)}).",
                "What came is kept. Continue or retry.",
            )
        if isinstance(cause, httpx2.LocalProtocolError) and "header value" in detail:
            return BAD_KEY  # the detail quotes the key, in a spelling that the mask can't know
        if isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL | OverflowError):
            return self.bad_url(detail)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                "tls",
                f"{self.host} does not speak TLS as it should ({short(detail)}).",
                "If it is a plain HTTP server, begin the base URL with http://.",
            )
        if isinstance(cause, ssl.SSLError):
            known = f"Trusted is what {self._trusted_by} names. " if self._trusted_by else ""
            return Failure(
                "tls",
                f"{self.host} has a certificate that is not trusted ({short(detail)}).",
                f"{known}For a private authority set ca_bundle for this provider in the settings.",
            )
        return self._unreachable(short(detail))

    def _unreachable(self, detail: str) -> Failure:
        next_step = "Check the base URL and the network, and that the server runs."
        if self._proxy is not None:
            next_step = "Check the proxy of this provider in the settings."
            if self._proxy.source.isidentifier():
                next_step = f"Check the proxy in {self._proxy.source}; NO_PROXY lists exceptions."
        return Failure(
            "unreachable", f"{self.host} can't be reached{self._through} ({detail}).", next_step
        )


def short(text: str) -> str:
    """Somebody else's words in one line of bounded length, without its full stop."""
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def root_cause(error: BaseException) -> BaseException:
    """The deepest cause that still says something."""
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
