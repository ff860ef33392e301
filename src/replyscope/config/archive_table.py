"""The sections of the settings file about the archive: backups, and who may read it."""

from replyscope.config.setting import Setting, text, whole
from replyscope.domain import limits


class BackupSection:
    """`[backup]`."""

    keep = Setting(
        whole(limits.BACKUPS), "7", "daily backups to keep; the app makes one after its start"
    )
    folder = Setting(text(), '"~/Backups/replyscope"', "where; default: backups in the data folder")


class McpServerSection:
    """`[mcp_server]`: the server of `replyscope mcp`."""

    share = Setting(
        text(), '"tag:work or source:watch"', "the replies that programs may read; default: all"
    )
