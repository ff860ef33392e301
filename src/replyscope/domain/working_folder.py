"""The working folder, and the normal form of paths: relative if they are inside it."""

from collections.abc import Callable
from dataclasses import field

from replyscope.domain.glob import escaped
from replyscope.domain.values import dataclass

LONGEST_PATH = 4_096


@dataclass(frozen=True, slots=True)
class WorkingFolder:
    """The working folder of the tools. `path` is absolute and has no symbolic links. `resolve`
    resolves the links of an absolute path; it may raise OSError or ValueError.
    """

    path: str
    home: str
    resolve: Callable[[str], str] = field(compare=False)

    def normal(self, path: str) -> str:
        """A path without `.` and `..`: relative if it is inside the folder, else absolute."""
        return relative(_tidy(self._joined(path)), self.path)

    def real(self, path: str) -> str:
        """The normal form with every link resolved; the plain normal form if resolving fails."""
        try:
            return relative(self.resolve(self._joined(path)), self.path)
        except (OSError, ValueError):
            return self.normal(path)

    def _joined(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.path}/{path}"

    def normal_pattern(self, pattern: str) -> str:
        """A pattern without `.` and `..`; relative if it matches only inside the folder."""
        root = escaped(self.path)
        whole = pattern if pattern.startswith("/") else f"{root}/{pattern}"
        return relative(_tidy(whole), root)

    def real_pattern(self, pattern: str) -> str:
        """A pattern with the links resolved in its leading folders without wildcards."""
        steps = pattern.split("/")
        plain = next((n for n, s in enumerate(steps) if set(s) & set("*?[")), len(steps))
        place = self.real("/".join(steps[:plain]) + ("/" if plain and not steps[0] else ""))
        rest = "/".join(steps[plain:])
        return self.normal_pattern(f"{escaped(place)}/{rest}")


def relative(path: str, root: str) -> str:
    """A normalised path relative to a folder; `.` for the folder itself."""
    if path == root:
        return "."
    within = root.rstrip("/") + "/"
    return path[len(within) :] if path.startswith(within) else path


def _tidy(path: str) -> str:
    kept: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del kept[-1:]
        elif step not in ("", "."):
            kept.append(step)
    return "/" + "/".join(kept)
