"""The environments of child processes.

Programs that replyscope starts itself get an allow-list: no API key, and no variable that makes
a program load code from elsewhere. Commands of the person get everything but secrets.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

BASIC = (
    "HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
    "TEMP", "TMP", "XDG_*", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE",
    "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES*",
    "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH",
)  # fmt: skip
"""What any program needs to find its files and speak the person's language."""

ENGINE = ("CUDA_*", "HIP_*", "ROCR_*", "OMP_*", "KMP_*")
"""How many processors an engine uses, and which."""

NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
)  # fmt: skip

PIP = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_CONFIG_FILE", "PIP_RETRIES", "PIP_TIMEOUT",
    "PIP_DEFAULT_TIMEOUT", "PIP_KEYRING_PROVIDER", "PIP_NO_INPUT",
)  # fmt: skip
"""Where packages come from, and how they are reached."""

EDITOR = (
    "TERM", "TERMINFO", "TERMINFO_DIRS", "TERM_PROGRAM*", "COLORTERM", "COLORFGBG", "NO_COLOR",
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_PANE",
    "STY", "KITTY_*", "ITERM_*", "WT_*", "WSL_*", "SSH_TTY", "SSH_CONNECTION", "EDITOR", "VISUAL",
    "ALTERNATE_EDITOR", "EMACS*", "VIM*", "MYVIMRC", "NVIM*", "EXINIT", "HELIX_*", "KAKOUNE_*",
    "MICRO_*", "NANO*", "VSCODE_*", "__CF*",
)  # fmt: skip
"""The terminal or desktop that an editor draws on, and its own settings."""

_LISTS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def kept_environment(
    environment: Mapping[str, str], *allowed: Sequence[str], separator: str
) -> dict[str, str]:
    """The variables that some lists allow. Folders to search are absolute ones only: a
    relative one means the working folder. Names are compared in capitals, as `http_proxy`
    is written both ways.
    """
    patterns = [pattern for names in allowed for pattern in names]
    kept = {
        name: value
        for name, value in environment.items()
        if any(fnmatchcase(name.upper(), pattern) for pattern in patterns)
    }
    return with_absolute_paths(kept, separator=separator)


def with_absolute_paths(environment: Mapping[str, str], *, separator: str) -> dict[str, str]:
    """The environment without relative folders in its search paths."""
    kept = dict(environment)
    for name in kept.keys() & set(_LISTS):
        kept[name] = separator.join(
            part for part in kept[name].split(separator) if Path(part).is_absolute()
        )
    return kept


_TOOL = (
    "TERM", "COLORTERM", "NO_COLOR", "VIRTUAL_ENV", "CONDA_PREFIX", "PROCESSOR_ARCHITECTURE",
)  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def tool_environment(environment: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """The variables that a tool may have: the allowed ones, and those that the person named.

    A proxy whose address has a password is left out unless it is named.
    """
    kept = kept_environment(environment, BASIC, NETWORK, _TOOL, separator=os.pathsep)
    return {
        name: value
        for name, value in kept.items()
        if name.upper() not in _PROXIES or "@" not in value
    } | {name: environment[name] for name in named if name in environment}


_SECRET = re.compile("KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_LOGIN = re.compile("://[^/@:]*:[^/@]*@")


def without_secrets(environment: Mapping[str, str], known: Sequence[str]) -> dict[str, str]:
    """The variables without secrets.

    Removes those in `known`, those with a name like a secret's, and those whose value contains
    a known key or a URL with a password.
    """
    values = [environment[name] for name in known if environment.get(name)]
    return {
        name: value
        for name, value in environment.items()
        if name not in known
        and not _SECRET.search(name)
        and not _LOGIN.search(value)
        and not any(key in value for key in values)
    }
