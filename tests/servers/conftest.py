"""Fixtures of the conversations with real servers."""

from collections.abc import Iterator

import pytest

from tests.servers.conversation import SCRIPT
from tests.support import aimock


@pytest.fixture(scope="module")
def script_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """aimock, which plays the script; its base URL."""
    with aimock.running(tmp_path_factory.mktemp("aimock"), SCRIPT) as url:
        yield url
