"""No script and no attribute of somebody else's is in an export as HTML."""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.hostile.here import run_here
from tests.hostile.place import hostile_export
from tests.support.server import Answer, LoopbackServer, delta, sse, usage
from tests.support.suite import Suite

CHROMIUM = shutil.which("chromium")
_TRIES = (
    "<script>document.title='owned'</script>",
    "</style><script>document.title='owned'</script>",
    "</title></pre></details></svg><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "' onmouseover='document.title=1' x='",
    "<svg onload=document.title='owned'>",
    "<iframe srcdoc='<script>top.document.title=1</script>'>",
    "[a](javascript:document.title='owned')",
    "[a](JaVaScRiPt&#58;alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](data:text/html,<script>1</script>)",
    "[a](vbscript:x)",
    "[a]: javascript:alert(1)\n\n[a]",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    "![a](http://evil.example/track.png)",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'>",
    "<base href=http://evil.example>",
    "<form action=http://evil.example><button autofocus>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<!--><script>document.title='owned'</script>-->",
    "]]><script>document.title='owned'</script>",
    "`</code><script>document.title='owned'</script>`",
    "```\"><script>document.title='owned'</script>\nx\n```",
    '| <script>1</script> | b |\n|---|:-:|\n| " onclick=x | 2 |',
    '[x](http://a.b/"onclick=alert(1))',
    '[x](http://a.b "t\\" onclick=alert(1)")',
    "&lt;script&gt;document.title='owned'&lt;/script&gt;",
    "\u202e<script>\u0000</script>",
)
_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "section", "article", "h1", "h2",
    "h3", "h4", "h5", "h6", "p", "pre", "code", "ul", "ol", "li", "dl", "dt", "dd", "details",
    "summary", "blockquote", "span", "em", "strong", "s", "del", "hr", "br", "a", "table", "thead",
    "tbody", "tr", "th", "td", "svg", "rect", "text", "g", "line", "footer", "header", "div", "img",
    "b", "nav", "small", "figure", "figcaption", "time", "path", "desc", "button", "label", "tspan",
}  # fmt: skip


class _Reader(HTMLParser):
    """Notes what in a page could do more than be read."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given.get("content") or ""
        elif tag == "meta" and "http-equiv" in given:
            self.faults.append(f"a meta that acts: {given}")
        if tag not in _TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            target = (value or "").strip().lower()
            if name.startswith("on"):
                self.faults.append(f"<{tag} {name}>")
            if name == "href" and not target.startswith(("http://", "https://", "mailto:", "#")):
                self.faults.append(f"a link to {value}")
            if name == "src" and not target.startswith("data:image/"):
                self.faults.append(f"a source {value}")
            if name in ("srcdoc", "action", "formaction", "xlink:href", "background"):
                self.faults.append(f"<{tag} {name}>")


def _page(folder: Path, server: LoopbackServer) -> str:
    said = "\n\n".join(_TRIES)
    call = {
        "index": 0, "id": "c", "type": "function",
        "function": {"name": said, "arguments": f'{{"a": "{_TRIES[0]}"}}'},
    }  # fmt: skip
    server.answer = lambda _request: Answer(
        chunks=sse(
            delta(reasoning_content=said, refusal=said),
            {**delta(said, tool_calls=[call]), "model": said},
            delta(finish=said),
            usage(),
        )
    )
    run_here(folder, "ask", said, "--system", said, "--model", said, "--base-url", server.base_url)
    imported = hostile_export(folder, server)
    run_here(folder, "sessions", "import", str(imported))
    listed = run_here(folder, "sessions", "list").stdout.splitlines()
    ids = [line.split()[0] for line in listed]
    for key in ids:
        run_here(folder, "sessions", "rename", key, said)
        for number, one in enumerate(_TRIES):
            run_here(folder, "sessions", "tag", key, "--add", f"{number}{one}"[:40])
            if number > 3:
                break
    target = folder / "page.html"
    run_here(folder, "sessions", "export", *ids, "--format", "html", "-o", str(target))
    return target.read_text()


def test_an_export_as_html_can_only_be_read(
    suite: Suite, server: LoopbackServer, tmp_path: Path
) -> None:
    page = _page(tmp_path, server)
    reader = _Reader()
    reader.feed(page)
    assert reader.faults == []
    assert "default-src 'none'" in reader.policy
    assert "script-src" not in reader.policy
    assert page.count("document.title") > 20, "what was planted has to be there, as text"
    suite.say(f"{len(_TRIES)} tries at an HTML export of {len(page):,} characters: none got in")


@pytest.mark.skipif(CHROMIUM is None or sys.platform == "win32", reason="needs Chromium")
def test_a_browser_runs_nothing_of_an_export(server: LoopbackServer, tmp_path: Path) -> None:
    page = _page(tmp_path, server)
    # Without the page's own policy a script would run: the text alone has to be harmless.
    bare = tmp_path / "bare.html"
    bare.write_text(page.replace("Content-Security-Policy", "x-none"))
    assert CHROMIUM is not None
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", bare.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    ).stdout  # fmt: skip
    assert "<title>owned</title>" not in shown
    reader = _Reader()
    reader.feed(shown)
    assert [fault for fault in reader.faults if "a meta that acts" not in fault] == []
