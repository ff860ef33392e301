"""The words of the system's errors."""

import socket

import pytest

from replyscope.domain.system_words import system_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/a/file"), "Permission denied"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("timed out"), "timed out"),
        (ValueError("[Errno -2] Name or service not known"), "Name or service not known"),
        (ValueError("[WinError 10061] No connection"), "No connection"),
        (ValueError("plain"), "plain"),
    ],
)
def test_an_error_is_said_without_its_number_and_path(error: Exception, words: str) -> None:
    assert system_words(error) == words
