"""The shipped tools, attacked: nothing leaves the working folder, the hosts, arithmetic."""

import json
import os
from pathlib import Path

import pytest

from replyscope.toolbox import shipped
from tests.support.server import Answer, LoopbackServer

SECRET = "the secret outside"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with something in it, and a secret beside it."""
    folder = tmp_path / "work"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "work-secret").mkdir()
    (tmp_path / "work-secret" / "s.txt").write_text(SECRET)
    (folder / "link").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to("..")
    (folder / "docs" / "up").symlink_to("../..")
    (folder / "root").symlink_to("/")
    (folder / "chain").symlink_to("up")
    (folder / "loop").symlink_to("loop")
    (folder / "fine").symlink_to("docs/a.txt")
    (folder / "procself").symlink_to("/proc/self")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    return folder


PATHS = [
    "../secret.txt",
    "docs/../../secret.txt",
    "./../secret.txt",
    "docs/./.././../secret.txt",
    "..//secret.txt",
    "link",
    "./link",
    "up/secret.txt",
    "docs/up/secret.txt",
    "chain/secret.txt",
    "up/work/../secret.txt",
    "root/etc/hostname",
    "root/proc/self/environ",
    "../work-secret/s.txt",
    "/etc/hostname",
    "//etc/hostname",
    "/proc/self/environ",
    "/proc/self/cwd/../secret.txt",
    "/dev/stdin",
    "/dev/fd/0",
    "procself/environ",
    "procself/cwd/../secret.txt",
    "loop",
    "loop/x",
    "pipe",
    "docs",
    "",
    ".",
    "..",
    "../",
    "~/.ssh/id_rsa",
    "~root/.bashrc",
    "$HOME/.bashrc",
    "..\\secret.txt",
    "docs\\..\\..\\secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "..;/secret.txt",
    "file:///etc/hostname",
    "secret.txt\0.txt",
    "../secret.txt\0",
    "\0",
    "..\u2215secret.txt",
    "．．/secret.txt",
    "docs/a.txt/../../../secret.txt",
    "docs/" + "../" * 50 + "etc/hostname",
    "a" * 5_000,
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_reads_outside_of_the_folder(inside: Path, path: str) -> None:
    with pytest.raises((OSError, ValueError)):
        shipped.read_file(path)


@pytest.mark.parametrize("path", ["..", "/", "up", "root", "docs/up", "chain", "../work-secret"])
def test_no_folder_outside_is_listed(inside: Path, path: str) -> None:
    with pytest.raises((OSError, ValueError)):
        shipped.list_files(path)


def test_what_is_inside_is_read_and_listed(inside: Path) -> None:
    assert shipped.read_file("docs/a.txt") == "inside"
    assert shipped.read_file("fine") == "inside"
    assert shipped.read_file("docs/../docs/a.txt") == "inside"
    assert shipped.read_file(str(inside / "docs" / "a.txt")) == "inside"
    assert shipped.list_files("docs") == "a.txt\nup"
    assert "docs/" in shipped.list_files().split("\n")


def test_a_link_put_in_between_is_not_followed(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The folder is swapped for a link after the path was looked at.
    resolve = Path.resolve

    def swap(path: Path, strict: bool = False) -> Path:
        resolved = resolve(path, strict)
        if path.name == "s.txt":
            (inside / "docs").rename(inside / "gone")
            (inside / "docs").symlink_to(inside.parent / "work-secret")
        return resolved

    monkeypatch.setattr(Path, "resolve", swap)
    with pytest.raises(OSError, match=r"docs|Not a directory|symbolic"):
        shipped.read_file("docs/s.txt")


URLS = [
    "http://evil.test/",
    "http://allowed.test.evil.test/",
    "http://evil.test/allowed.test",
    "http://evil.test?allowed.test",
    "http://evil.test#allowed.test",
    "http://allowed.test@evil.test/",
    "http://allowed.test:pw@evil.test/",
    "http://evil.test\\@allowed.test/",
    "http://allowed.test\\.evil.test/",
    "http://evil.test\t.allowed.test/",
    "http://allowed.test%2eevil.test/",
    "http://allowed.test%00.evil.test/",
    "http://xallowed.test/",
    "http://sub.allowed.test/",
    "http://127.0.0.1/",
    "http://localhost/",
    "http://0/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/hostname",
    "ftp://allowed.test/",
    "gopher://allowed.test/",
    "data:text/plain,hi",
    "javascript:alert(1)",
    "//allowed.test/",
    "allowed.test",
    "",
    "http://",
    "http:///path",
    "http://ａllowed.test/",
    "http://allowed。test/",
    "http://allowed.test evil.test/",
    "http://allowed.test\r\nHost: evil.test/",
    "http://ports.test/",
    "http://ports.test:81/",
]


@pytest.mark.parametrize("url", URLS)
def test_no_host_is_asked_that_is_not_allowed(url: str) -> None:
    with pytest.raises((PermissionError, ValueError)):
        shipped._check_url(url, ["allowed.test", "ports.test:8080"])


@pytest.mark.parametrize(
    "url",
    ["http://allowed.test", "https://ALLOWED.test./x?y", "http://ports.test:8080/"],
)
def test_hosts_that_are_allowed_are_asked(url: str) -> None:
    shipped._check_url(url, ["allowed.test", "ports.test:8080"])


def test_a_redirect_leads_to_no_other_host(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.base_url.split(":")[2].split("/")[0]
    monkeypatch.setenv("REPLYSCOPE_HTTP_HOSTS", json.dumps([f"127.0.0.1:{port}"]))
    place = f"http://127.0.0.1:{port}/v1"
    server.routes["GET", "/page"] = Answer(content_type="text/plain", chunks=[b"the page"])
    for path, to in (("/near", "/v1/page"), ("/far", f"http://localhost:{port}/v1/page")):
        server.routes["GET", path] = Answer(302, "text/plain", headers={"location": to})
    assert shipped.http_get(f"{place}/near") == "200\nthe page"
    with pytest.raises(PermissionError, match="localhost"):
        shipped.http_get(f"{place}/far")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        ("(1 + 1) ** 10", "1024"),
        ("sqrt(16) + max(1, 2)", "6.0"),
        ("-7 // 2", "-4"),
    ],
)
def test_arithmetic_is_done(expression: str, value: str) -> None:
    assert shipped.calculate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('id')",
        "open('/etc/passwd').read()",
        "(1).__class__",
        "[x for x in (1,)]",
        "lambda: 1",
        "'a' * 10",
        "True",
        "f'{1}'",
        "9 ** 9 ** 9",
        "10 ** 100000",
        "(10 ** 900) * (10 ** 900) * (10 ** 900)",
        "(-1) ** 0.5",
        "1 if 1 else 2",
        "exit()",
        "max.__self__",
        "sqrt(x=1)",
        "1; 2",
        "1" * 3_000,
    ],
)
def test_what_is_no_arithmetic_is_refused(expression: str) -> None:
    with pytest.raises((ValueError, SyntaxError, MemoryError, RecursionError)):
        shipped.calculate(expression)


def test_a_command_is_no_shell(inside: Path) -> None:
    assert shipped.run_command(["echo", "$HOME; id"]) == "$HOME; id\n\n[exit status 0]"
    assert shipped.run_command(["false"]) == "[exit status 1]"
    with pytest.raises(ValueError, match="no program"):
        shipped.run_command(["echo hi"])


def test_the_time_has_a_zone() -> None:
    assert shipped.current_time("UTC").endswith("+00:00")
    with pytest.raises(ValueError, match="no time zone"):
        shipped.current_time("../../etc/passwd")
