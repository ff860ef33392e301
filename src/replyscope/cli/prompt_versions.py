"""The versions of prompts that made saved replies: their texts, and a comparison."""

import argparse
import json
import re
from dataclasses import replace

from replyscope.cli.report import show_indexing
from replyscope.cli.wiring import Wiring
from replyscope.config.prompts import PromptFolder, check_name
from replyscope.domain.errors import SettingsError
from replyscope.domain.message import PromptPart
from replyscope.domain.printable import printable_line
from replyscope.domain.prompt import version_of
from replyscope.domain.search import Sort
from replyscope.domain.session import StoredSession
from replyscope.inspection.prompt_versions import version_object, version_table, versions_of

_VERSION = re.compile(r"[0-9a-f]{4,64}")


async def find_version(
    name: str, version: str, library: PromptFolder, wiring: Wiring
) -> PromptPart:
    """The version of a prompt that begins with some digits: the one in the library, or one that
    made a saved reply. Raises SettingsError.
    """
    check_name(name)
    if not _VERSION.fullmatch(version):
        raise SettingsError(
            f"{version!r} can't be a version.", "Allowed are 4 to 64 of the digits 0-9 and a-f."
        )
    now = library.read().by_name.get(name)
    if now is not None and now.version.startswith(version):
        return now.part
    await wiring.review.update_index(show_indexing)
    search = wiring.review.read(f"prompt:{name}@{version}", Sort.TIME)
    seen: set[str] = set()
    # An imported session may have another text under the same version: the next hit is looked at.
    while hits := await wiring.index.find(search):
        for session_id in dict.fromkeys(hit.session_id for hit in hits):
            if session_id not in seen:
                seen.add(session_id)
                stored = await wiring.store.load_session(session_id)
                if part := _version_in(stored, name, version):
                    return part
        search = replace(search, offset=search.offset + len(hits))
    raise SettingsError(
        f"There is no version {version} of the prompt {name} in the saved sessions.",
        f"`replyscope prompts compare {name}` lists the versions.",
    )


def _version_in(stored: StoredSession, name: str, version: str) -> PromptPart | None:
    """The version of a prompt in a session, with its true text."""
    for part in (part for message in stored.messages for part in message.parts):
        if (
            isinstance(part, PromptPart)
            and part.name == name
            and part.version.startswith(version)
            and version_of(part.text) == part.version
        ):
            return part
    return None


async def compare_versions(
    arguments: argparse.Namespace, library: PromptFolder, wiring: Wiring
) -> None:
    """Print the figures of each version of a prompt over its replies. Raises SettingsError."""
    name: str = arguments.name
    check_name(name)
    await wiring.review.update_index(show_indexing)
    figures = await wiring.index.figures(wiring.review.read(f"prompt:{name}"))
    versions = versions_of(name, figures)
    if not versions:
        raise SettingsError(f"No reply was made with the prompt {name}.")
    if arguments.json:
        print(json.dumps([version_object(one) for one in versions], indent=2))
        return
    now = library.read().by_name.get(name)
    newest = f"{name}@{now.version}" if now is not None else None
    for line in version_table(versions, newest):
        print(printable_line(line))
    print("\nin and out: tokens of a reply on average; cost: of all replies")
