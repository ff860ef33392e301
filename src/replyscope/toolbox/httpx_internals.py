"""The private part of httpx2 that tool servers use.

The provider package has its own copy, because packages of one floor do not import each other.
`tests/test_internals.py` fails when it changes.
"""

from collections.abc import Callable

import httpcore2
import httpx2


def wrap_network(
    transport: httpx2.AsyncHTTPTransport,
    wrap: Callable[[httpcore2.AsyncNetworkBackend], httpcore2.AsyncNetworkBackend],
) -> None:
    """Replace the network backend of a transport. httpx2 has no argument for it, though
    httpcore2 has. No upstream issue known.
    """
    pool = transport._pool
    pool._network_backend = wrap(pool._network_backend)
