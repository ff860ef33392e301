"""A paste that is only the paths of files, as terminals write them when a file is dropped."""

from pathlib import Path

import pytest

from replyscope.engine.dropped_paths import dropped_paths

FILES = (Path("/tmp/a b.png"), Path("/tmp/c.txt"), Path("/tmp/it's.txt"))
BOTH = (FILES[0], FILES[1])


@pytest.mark.parametrize(
    ("pasted", "paths"),
    [
        ("/tmp/a b.png", FILES[:1]),  # Ghostty and others may write it as it is
        ("'/tmp/a b.png'", FILES[:1]),
        ('"/tmp/a b.png" ', FILES[:1]),
        (r"/tmp/a\ b.png ", FILES[:1]),
        ("file:///tmp/a%20b.png", FILES[:1]),
        ("file://localhost/tmp/a%20b.png\n", FILES[:1]),
        (r"/tmp/it\'s.txt", FILES[2:]),
        ("'/tmp/it'\\''s.txt'", FILES[2:]),
        (r"/tmp/a\ b.png /tmp/c.txt", BOTH),
        ("'/tmp/a b.png' '/tmp/c.txt'", BOTH),
        ("/tmp/a b.png\n/tmp/c.txt", BOTH),
        ("file:///tmp/a%20b.png\nfile:///tmp/c.txt", BOTH),
        ("file:///tmp/a%20b.png file:///tmp/c.txt", BOTH),
        ("", ()),
        ("c.txt", ()),  # a word, not a drop
        ("look at /tmp/c.txt", ()),
        ("/tmp/c.txt and more", ()),
        ("/tmp/absent.txt", ()),
        ("/tmp/c.txt /tmp/absent.txt", ()),
        ("https://example.com/tmp/c.txt", ()),
        ("file://far.example/tmp/c.txt", ()),
        ("file://[", ()),
        ("'", ()),
        ("/tmp/c.txt\0", ()),
        ("/" * 5_000, ()),
    ],
)
def test_a_paste_of_paths(pasted: str, paths: tuple[Path, ...]) -> None:
    assert dropped_paths(pasted, FILES.__contains__) == paths


def test_a_name_that_is_too_long_for_the_system_is_no_path() -> None:
    assert dropped_paths("/" + "x" * 4_000) == ()


@pytest.mark.parametrize(
    "pasted",
    [
        "//server/share/a.txt",
        "'//server/share/a.txt'",
        r"\\server\share\a.txt",
        r"\\?\UNC\server\share",
        "file:////server/share/a.txt",
        "file:///%2F/server/share",
        "/tmp/c.txt\n//server/share/a.txt",
    ],
)
def test_a_path_of_another_machine_is_not_looked_for(pasted: str) -> None:
    looked: list[str] = []

    def exists(path: Path) -> bool:
        looked.append(str(path))
        return "\n" not in str(path)

    assert dropped_paths(pasted, exists) == ()
    assert not [path for path in looked if path.startswith(("//", "\\\\"))]
