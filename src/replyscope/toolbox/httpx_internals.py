"""The private part of httpx2 that tool servers use.

The provider package has its own copy, because packages of one floor do not import each other.
`tests/test_internals.py` fails when it changes.
"""

import httpcore2
import httpx2


def set_network_backend(
    transport: httpx2.AsyncHTTPTransport, backend: httpcore2.AsyncNetworkBackend
) -> None:
    """Replace the network backend of a transport.

    httpcore2 has an argument for it, httpx2 has not. No upstream issue known.
    """
    transport._pool._network_backend = backend
