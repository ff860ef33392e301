"""The settings of `[hub]`: the hub of this archive, and which sessions are sent to it."""

import re

from replyscope.config.checks import Table
from replyscope.config.setting import Setting, flag, text
from replyscope.domain.settings import HubSettings

_URL = "^(folder:|postgres(ql)?://)"


class HubSection:
    """`[hub]`. Nothing leaves this machine before `replyscope hub init`."""

    url = Setting(
        text(pattern=_URL),
        '"folder:~/Sync/replyscope"',
        "or postgresql://team@db.example.org/replyscope",
        help="the hub: folder:PATH or postgresql://USER@HOST/DATABASE",
    )
    share = Setting(
        text(),
        '"tag:team"',
        "other people may read matching sessions, redacted",
        help="the query of the sessions that others may read; in a folder only they leave",
    )
    encrypt = Setting(
        flag(), "false", "encrypt texts and journals on this machine", help="encrypt with age"
    )
    name = Setting(text(minLength=1), '"laptop"', "the name of this machine on the hub")


def parse_hub(table: Table) -> HubSettings:
    """The settings of the section. Raises SettingsError."""
    url = HubSection.url.read(table)
    if url is not None and re.match(_URL, url) is None:
        raise table.reject("url", "must be folder:PATH or postgresql://USER@HOST/DATABASE")
    name = HubSection.name.read(table)
    if name == "":
        raise table.reject("name", "is empty")
    share = HubSection.share.read(table) or None
    found = HubSettings(url, share, HubSection.encrypt.read(table) or False, name)
    table.finish()
    return found
