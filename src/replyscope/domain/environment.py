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
"""Variables for every program: folders, language and time zone."""

ENGINE = ("CUDA_*", "HIP_*", "ROCR_*", "OMP_*", "KMP_*")
"""Variables that select the processors of an engine."""

NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
)  # fmt: skip

PIP = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_CONFIG_FILE", "PIP_RETRIES", "PIP_TIMEOUT",
    "PIP_DEFAULT_TIMEOUT", "PIP_KEYRING_PROVIDER", "PIP_NO_INPUT",
)  # fmt: skip
"""Variables with package indexes, proxies and certificates."""

EDITOR = (
    "TERM", "TERMINFO", "TERMINFO_DIRS", "TERM_PROGRAM*", "COLORTERM", "COLORFGBG", "NO_COLOR",
    "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_PANE",
    "STY", "KITTY_*", "ITERM_*", "WT_*", "WSL_*", "SSH_TTY", "SSH_CONNECTION", "EDITOR", "VISUAL",
    "ALTERNATE_EDITOR", "EMACS*", "VIM*", "MYVIMRC", "NVIM*", "EXINIT", "HELIX_*", "KAKOUNE_*",
    "MICRO_*", "NANO*", "VSCODE_*", "__CF*",
)  # fmt: skip
"""Variables with the terminal or desktop of an editor, and its settings."""

DESKTOP = ("DESKTOP_SESSION", "KDE_*", "GNOME_*", "GTK_*", "QT_*", "BROWSER")
"""Variables with the desktop, which knows the viewers of files."""

_LISTS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def kept_environment(
    environment: Mapping[str, str], *allowed: Sequence[str], separator: str
) -> dict[str, str]:
    """The variables that the lists allow. Relative folders are removed from search paths: they
    would mean the working folder. Names are compared in capitals, because `http_proxy` is
    written both ways.
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
    """The environment of a tool: the allowed variables, and the ones that the person named.

    A proxy variable with a password is left out unless it is named.
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

    Removes the names in `known`, names that look like a secret's, and values that contain a
    known key or a URL with a password.
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
