"""A limit on redirects of the model API: only within one origin, and only with the body.

A request has the API key and the whole conversation, so it is never sent to another origin.
The error shows the target, and the user can change the base URL.
"""

import httpx2

from replyscope.domain.address import without_login


class Redirected(httpx2.TransportError):
    """A redirect that is not followed: to another origin, or without the request body.

    `target` is the URL, without user name, password and query.
    """

    def __init__(self, status: int, target: str, *, is_elsewhere: bool) -> None:
        self.status, self.target, self.is_elsewhere = status, target, is_elsewhere
        super().__init__(f"redirects to {target} ({status})")


async def stay_at_origin(response: httpx2.Response) -> None:
    """A response hook. Raises Redirected."""
    if not response.has_redirect_location:
        return
    request = response.request
    try:
        target = request.url.join(response.headers["location"])
    except httpx2.InvalidURL:
        raise Redirected(response.status_code, "no valid address", is_elsewhere=True) from None
    is_elsewhere = target.origin != request.url.origin
    # 301, 302 and 303 turn a POST into a GET without its body.
    loses_body = request.method not in ("GET", "HEAD") and response.status_code < 307
    if is_elsewhere or loses_body:
        shown = without_login(str(target))
        raise Redirected(response.status_code, shown, is_elsewhere=is_elsewhere)
