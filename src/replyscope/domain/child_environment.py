"""The environment of a child process: an allow-list, so that no key of the person's and no
setting of an interpreter gets into it by accident. Pure.
"""

import os
from collections.abc import Collection, Mapping

_ALLOWED = frozenset(
    [
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "PATH",
        "TERM",
        "COLORTERM",
        "NO_COLOR",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TMP",
        "TEMP",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "APPDATA",
        "LOCALAPPDATA",
        "COMSPEC",
        "HOMEDRIVE",
        "HOMEPATH",
        "PATHEXT",
        "PROCESSOR_ARCHITECTURE",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "USERNAME",
        "USERPROFILE",
        "WINDIR",
    ]
)
_ALLOWED_PREFIXES = ("LC_", "XDG_")
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY"})


def child_environment(
    environment: Mapping[str, str], named: Collection[str] = ()
) -> dict[str, str]:
    """The variables that a child may have: the allowed ones, and those that the person named.

    A proxy whose address has a password is left out unless it is named. PATH loses its
    relative folders: they would mean the working folder.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name in named
        or name.upper() in _ALLOWED
        or name.upper().startswith(_ALLOWED_PREFIXES)
        or (name.upper() in _PROXIES and "@" not in value)
    }
    for name in kept:
        if name.upper() == "PATH":
            kept[name] = _absolute(kept[name])
    return kept


def _absolute(path: str) -> str:
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if os.path.isabs(folder))
