"""What replies use beyond CommonMark: breaks, tasks, footnotes, alerts, tags and diagrams."""

from dataclasses import replace
from threading import Event

import pytest

from replyscope.domain.message import Role
from replyscope.inspection.markup.diagram import PageDiagrams, diagram_rows, diagram_variants
from replyscope.inspection.sharing.headings import demoted
from replyscope.inspection.sharing.html_text import markdown
from replyscope.ui.markdown.block import BlockKind
from replyscope.ui.markdown.document import MarkdownDocument, draw_text
from replyscope.ui.markdown.options import DrawingOptions
from replyscope.ui.markdown.palette import Palette
from replyscope.ui.transcript.content import EntryContent
from replyscope.ui.transcript.diagrams import BackgroundDiagrams
from replyscope.ui.transcript.entry import Entry

PALETTE = Palette()
FLOW = "graph TD\n  A[Start] --> B{Good?}\n  B -->|yes| C[End]\n  B -->|no| A"
SEQUENCE = "sequenceDiagram\n  Alice->>Bob: Hello\n  Bob-->>Alice: Hi"
STATES = "stateDiagram-v2\n  [*] --> Idle\n  Idle --> Busy: work\n  Busy --> [*]"


def shown(text: str, palette: Palette = PALETTE, width: int = 60) -> list[str]:
    return [s.text.rstrip() for s in draw_text(text, width, palette) if s.text.strip()]


@pytest.mark.parametrize(
    ("text", "drawn", "in_ascii"),
    [
        ("- [ ] one\n- [x] two", [" ☐ one", " ☑ two"], [" [ ] one", " [x] two"]),
        ("1. [X] one", [" 1. ☑ one"], [" 1. [x] one"]),
        ("- [a] b", [" • [a] b"], None),
        ("a[^1] b\n\n[^1]: The note", ["a¹ b", "¹ The note"], ["a[1] b", "[1] The note"]),
        ("[^1]: https://x.org\n\na[^1]", ["¹ https://x.org", "a¹"], ["[1] https://x.org", "a[1]"]),
        ("a [^a-z] b", ["a [^a-z] b"], None),
        ("Term\n: What it is\n: And more", ["Term", "   What it is", "   And more"], None),
        ("a<br>b<br/>c", ["a", "b", "c"], None),
        ("H<sub>2</sub>O, x<sup>2</sup>", ["H₂O, x²"], ["H_2O, x^2"]),
        ("x<sub>max q</sub>", ["x_(max q)"], None),
        ("<kbd>Ctrl</kbd>+<kbd>C</kbd>", ["[Ctrl]+[C]"], None),
        ("<b>a <foo> <sub>b", ["<b>a <foo> <sub>b"], None),
        ("<sub onclick=x>b</sub>", ["<sub onclick=x>b</sub>"], None),
        ("> [!NOTE]\n> Read", ["▌ Note", "▌ Read"], None),
        ("> [!CAUTION] no alert", ["▌ [!CAUTION] no alert"], None),
        ("> [!OTHER]\n> Read", ["▌ [!OTHER]", "▌ Read"], None),
        ("| a |\n|---|\n| 1<br>2 |", ["a", "───", "1", "2"], None),
    ],
)
def test_a_reply_is_drawn_as_it_is_meant(
    text: str, drawn: list[str], in_ascii: list[str] | None
) -> None:
    assert shown(text) == drawn
    assert shown(text, replace(PALETTE, ascii_only=True)) == (in_ascii or drawn)


def test_single_breaks_are_kept_or_joined() -> None:
    text = "one\ntwo\n\n- a\n  b"
    joining = MarkdownDocument(text, DrawingOptions(keeps_breaks=False))
    lines = [s.text for b in joining.blocks for s in joining.draw(b, 40, PALETTE)]
    assert shown(text) == ["one", "two", " • a", "   b"]
    assert [line for line in lines if line] == ["one two", " • a b"]


def test_the_breaks_of_a_person_are_always_kept() -> None:
    options = DrawingOptions(keeps_breaks=False)
    for role, height in ((Role.USER, 2), (Role.ASSISTANT, 1)):
        content = EntryContent("m", role, "x", "one\ntwo")
        entry = Entry("m", lambda content=content: content, options)  # type: ignore[misc]
        entry.lay_out(40, PALETTE)
        strips = [s for cell in range(entry.cell_count) for s in entry.strips(cell)]
        assert len([s for s in strips if s.text.strip() in ("one", "two", "one two")]) == height


def test_the_source_of_an_entry_is_shown_as_it_was_written() -> None:
    text = "# Title\n\n$x^2$ **bold**\n\n```mermaid\ngraph TD\n```"
    entry = Entry("m", lambda: EntryContent("m", Role.ASSISTANT, "x", text))
    entry.lay_out(60, PALETTE)
    entry.toggle_source()
    entry.lay_out(60, PALETTE)
    strips = [s for cell in range(entry.cell_count) for s in entry.strips(cell)]
    lines = [s.text.strip() for s in strips if s.text.strip()]
    assert lines[0].endswith("source")
    assert lines[1:] == [line for line in text.split("\n") if line]


@pytest.mark.parametrize(("opener", "closer"), [("$$", "$$"), ("\\[", "\\]")])
@pytest.mark.parametrize("length", [3, 31, 33, 60])
def test_a_formula_of_many_lines_is_drawn_once_it_is_closed(
    opener: str, closer: str, length: int
) -> None:
    lines = [f"{'-' if n % 2 else '='} x_{{{n}}} \\\\" for n in range(length)]
    text = "\n".join(["Before\n", opener, *lines])
    document = MarkdownDocument(text)
    source = [s.text for b in document.blocks for s in document.draw(b, 60, PALETTE)]
    assert [s.strip() for s in source if s.strip()] == ["Before", opener, *lines]
    document.feed(f"\n{closer}\n\nAfter")
    drawn = [s.text for b in document.blocks for s in document.draw(b, 60, PALETTE)]
    assert not any("\\" in line or "{" in line for line in drawn)
    assert drawn[-1] == "After"


@pytest.mark.parametrize("source", [FLOW, SEQUENCE, STATES], ids=["flow", "sequence", "states"])
def test_a_diagram_is_drawn_once_its_fence_is_closed(source: str) -> None:
    document = MarkdownDocument(f"```mermaid\n{source}\n")
    assert [block.kind for block in document.blocks] == [BlockKind.CODE]
    document.feed("```\n")
    assert [block.kind for block in document.blocks] == [BlockKind.DIAGRAM]
    drawn = "\n".join(s.text for b in document.blocks for s in document.draw(b, 80, PALETTE))
    assert "┌" in drawn or "╭" in drawn
    plain = diagram_rows(source, 80, True)
    assert plain is not None
    assert "".join(plain).isascii()


def test_a_long_diagram_in_a_list_is_one_diagram() -> None:
    edges = "\n".join(f"  N{n} --> N{n + 1}" for n in range(45))
    text = f"- see\n\n  ```mermaid\n  graph TD\n{edges}\n  ```\n"
    assert any("┌" in line for line in shown(text))
    assert not any("-->" in line for line in shown(text))


@pytest.mark.parametrize(
    "source",
    ["", "hello", "graph TD", "pie\n a: 1", "graph TD\n A[\x1b[31mred] --> B", "graph LR\n" * 200],
)
def test_what_is_no_diagram_stays_code(source: str) -> None:
    assert diagram_rows(source, 80) is None


def test_a_diagram_that_is_too_wide_is_turned_or_stays_code() -> None:
    source = "graph LR\n" + "\n".join(f" A{n}[Some words {n}] --> A{n + 1}" for n in range(8))
    turned = diagram_rows(source, 40)
    assert turned is not None
    assert max(map(len, turned)) <= 40
    assert diagram_rows(source, 5) is None
    assert any("graph LR" in line for line in shown(f"```mermaid\n{source}\n```", width=12))


TANGLED = "graph TD\n" + "\n".join(f" N{n % 13} --> N{(n * 7 + 3) % 13}" for n in range(100))


def test_the_work_for_a_diagram_is_bounded() -> None:
    assert diagram_variants(TANGLED) == ()


def test_a_diagram_is_drawn_in_a_thread_and_then_reported() -> None:
    done = Event()
    diagrams = BackgroundDiagrams(done.set)
    assert diagrams.rows(FLOW, 80, False) is None
    assert done.wait(60)
    assert diagrams.rows(FLOW, 80, False) == diagram_rows(FLOW, 80)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("# A\n## B\ntext", "### A\n#### B\ntext"),
        ("##### A #", "###### A #"),
        ("A\nb\n===\ntext\n\nC\n---", "### A b\ntext\n\n#### C"),
        (
            "```\n# comment\n```\n#no\n\n---\n    # code",
            "```\n# comment\n```\n#no\n\n---\n    # code",
        ),
        ("", ""),
    ],
)
def test_the_headings_of_a_reply_are_below_that_of_its_message(text: str, moved: str) -> None:
    assert demoted(text, 2) == moved


def test_html_shows_the_same() -> None:
    page = markdown(
        "- [x] done\n\n> [!TIP]\n> so\n\n$x^2$ H<sub>2</sub>O a[^1]\n\n[^1]: note\n\n"
        f"```mermaid\n{FLOW}\n```\n\n$$\n\\foo{{<b>}}\n$$\n\n<script>x</script>",
        PageDiagrams(),
    )
    for piece in ("☑ done", 'class="alert tip"', "<msup>", "<sub>2</sub>", "<sup>1</sup>"):
        assert piece in page
    assert '<pre class="diagram">' in page
    assert "\\foo{&lt;b&gt;}" in page
    assert "<script" not in page


def test_html_shows_the_source_of_a_diagram_that_takes_too_long() -> None:
    page = markdown(f"```mermaid\n{TANGLED}\n```\n\nafter", PageDiagrams())
    assert "Not drawn: this diagram is too complex." in page
    assert "N0 --&gt; N3" in page
    assert "after" in page


def test_the_diagrams_of_an_html_page_share_a_limit() -> None:
    diagrams = PageDiagrams(1_000)
    page = markdown("".join(f"```mermaid\n{FLOW}\n```\n\n" for _ in range(3)), diagrams)
    assert page.count('<pre class="diagram">') == 1
    assert page.count("Not drawn: the page has too many complex diagrams.") == 2
    assert page.count("A[Start] --&gt; B") == 3
