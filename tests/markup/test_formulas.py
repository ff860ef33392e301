"""Formulas: what is drawn for LaTeX, and that nothing of a formula is ever lost."""

from collections import Counter
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from replyscope.domain.printable import is_printable
from replyscope.inspection.markup.formula import formula_mathml, letters, parse_formula
from replyscope.inspection.markup.formula_drawing import formula_rows
from replyscope.inspection.markup.formula_line import formula_line
from replyscope.ui.markdown.document import draw_text
from replyscope.ui.markdown.palette import Palette
from tests.support.examples import examples

ON_ONE_LINE = [
    (r"x^2", "x²"),
    (r"x_i", "xᵢ"),
    (r"x_i^2", "xᵢ²"),
    (r"x_{i,j}", "xᵢ,ⱼ"),
    (r"x_{i}^{(n)}", "xᵢ⁽ⁿ⁾"),
    (r"a_1, a_2, \ldots, a_n", "a₁, a₂, …, aₙ"),
    (r"\sum_{i=1}^{n} i^2", "∑ᵢ₌₁ⁿ i²"),
    (r"\prod_{k=1}^{n} k = n!", "∏ₖ₌₁ⁿ k = n!"),
    (r"\int_0^1 x^2 \, dx", "∫₀¹ x² dx"),
    (r"\int_0^\infty e^{-x} dx", "∫₀^∞ e⁻ˣdx"),
    (r"\lim_{x \to 0} \frac{\sin x}{x}", "lim_{x→0} (sin x)/x"),
    (r"\frac{1}{2}", "1/2"),
    (r"\frac12", "1/2"),
    (r"\frac{a+b}{c}", "(a + b)/c"),
    (r"\frac{a}{b+c}", "a/(b + c)"),
    (r"\dfrac{dy}{dx}", "dy/dx"),
    (r"\sqrt{x}", "√x"),
    (r"\sqrt{x+1}", "√(x + 1)"),
    (r"\sqrt[3]{x}", "³√x"),
    (r"\binom{n}{k}", "(ⁿₖ)"),
    (r"\alpha + \beta = \gamma", "α + β = γ"),
    (r"\Delta x \approx 0", "Δx ≈ 0"),
    (r"a \le b \ge c \ne d", "a ≤ b ≥ c ≠ d"),
    (r"a \leq b < c", "a ≤ b < c"),
    (r"A \cup B \subseteq C", "A ∪ B ⊆ C"),
    (r"x \in \mathbb{R}", "x ∈ ℝ"),
    (r"f: A \to B", "f : A → B"),
    (r"\forall x \exists y", "∀x∃y"),
    (r"p \implies q", "p ⟹ q"),
    (r"p \iff q", "p ⟺ q"),
    (r"\neg p \lor q \land r", "¬p ∨ q ∧ r"),
    (r"\mathbf{v} \cdot \mathbf{w}", "𝐯 · 𝐰"),
    (r"\vec{v} \times \hat{x}", "v⃗ × x̂"),
    (r"\bar{x}", "x̅"),
    (r"\dot{x} + \ddot{x}", "ẋ + ẍ"),
    (r"\overline{AB}", "A̅B̅"),
    (r"\text{speed} = 3 \text{ m/s}", "speed = 3 m/s"),
    (r"\mathrm{d}x", "dx"),
    (r"\sin^2 x + \cos^2 x = 1", "sin² x + cos² x = 1"),
    (r"\log_2 n", "log₂ n"),
    (r"\ln(1+x)", "ln(1 + x)"),
    (r"\max_{x} f(x)", "maxₓ f(x)"),
    (r"\operatorname{argmax}_x f(x)", "argmaxₓ f(x)"),
    (r"O(n \log n)", "O(n log n)"),
    (r"90^\circ", "90°"),
    (r"f'(x)", "f′(x)"),
    (r"f''(x)", "f″(x)"),
    (r"-x + (-y)", "−x + (−y)"),
    (r"a\,b\;c\quad d", "a b c  d"),
    (r"|x| + \|y\|", "|x| + ‖y‖"),
    (r"\lfloor x \rfloor", "⌊x⌋"),
    (r"\langle x, y \rangle", "⟨x, y⟩"),
    (r"\left( \frac{a}{b} \right)^2", "(a/b)²"),
    (r"\{1, 2, 3\}", "{1, 2, 3}"),
    (r"\boxed{42}", "▕ 42 ▏"),
    (r"a \equiv b \pmod{n}", "a ≡ b  (mod n)"),
    (r"\nabla \times E", "∇ × E"),
    (r"\partial f / \partial x", "∂f/∂x"),
    (r"2^{10} = 1024", "2¹⁰ = 1024"),
    (r"e^{i\pi} + 1 = 0", "e^{iπ} + 1 = 0"),
    (r"x^{2^n}", "x^{2ⁿ}"),
    (r"{}_2F_1", "₂F₁"),
    (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a b; c d)"),
    (r"a \not= b", "a ≠ b"),
    (r"100\%", "100%"),
    (r"\mathcal{L}", "ℒ"),
    (r"\hbar\omega", "ℏω"),
    (r"\cancel{x}", "x̶"),
    (r"P(A \mid B)", "P(A ∣ B)"),
    (r"\gcd(a, b)", "gcd(a, b)"),
    (r"10^{-3}", "10⁻³"),
    (r"x_{n+1}", "xₙ₊₁"),
    (r"\pm\sqrt{b^2-4ac}", "±√(b² − 4ac)"),
    (r"\infty", "∞"),
    (r"中文 = x", "中文 = x"),
    (r"\mu\text{m}", "μm"),
    (r"\dots", "…"),
    (r"\therefore x = 1", "∴ x = 1"),
    (r"\frac{a}{bc}", "a/(bc)"),
]
IN_TWO_DIMENSIONS = [
    (r"\frac{a+b}{c}", [" a + b", "───────", "   c"]),
    (r"\sum_{i=1}^{n} i^2", [" n", " ∑  i²", "i=1"]),
    (r"\lim_{x \to 0} x", ["lim x", "x→0"]),
    (r"\int_a^b f(x)\,dx", ["⌠b", "⎮  f(x) dx", "⌡a"]),
    (r"\sqrt{x+1}", [" ┌─────", "╲│x + 1"]),
    (r"\sqrt[3]{x+1}", ["  ┌─────", "³╲│x + 1"]),
    (r"A = \begin{bmatrix} a & b \\ c & d \end{bmatrix}", ["A = ⎡a  b⎤", "    ⎣c  d⎦"]),
    (r"\begin{cases} x & a \\ y & b \end{cases}", ["⎰x  a", "⎱y  b"]),
    (r"\begin{aligned} a &= b \\ &= c+d \end{aligned}", ["a = b", "  = c + d"]),
    (r"\left( \frac{a}{b} \right)^2", ["⎛ a ⎞²", "⎜───⎟", "⎝ b ⎠"]),
    (r"\boxed{42}", ["┌────┐", "│ 42 │", "└────┘"]),
    (r"\underbrace{a+b}_{n}", ["a + b", "╰─┬─╯", "  n"]),
    (r"A\xrightarrow{f} B", ["  f", "A ──→ B"]),
    (r"a\\b", ["a", "b"]),
    (r"e^{-x^2}", [" −x²", "e"]),
]
AS_WRITTEN = [
    r"\foo{x}",
    r"\ce{H2O}",
    r"x^",
    r"\frac",
    r"}",
    r"{",
    r"\left(",
    r"a & b",
    r"\def\a{\a\a}\a",
    r"\newcommand{\x}{y}\x",
    r"\href{https://example.org}{x}",
    "",
    "{" * 50 + "x" + "}" * 50,
    "x" * 2_001,
]


@pytest.mark.parametrize(("latex", "drawn"), ON_ONE_LINE)
def test_a_formula_on_one_line(latex: str, drawn: str) -> None:
    assert formula_line(latex) == drawn


@pytest.mark.parametrize(("latex", "rows"), IN_TWO_DIMENSIONS)
def test_a_formula_in_two_dimensions(latex: str, rows: list[str]) -> None:
    assert formula_rows(latex, 60) == rows


@pytest.mark.parametrize("latex", AS_WRITTEN)
def test_what_cannot_be_drawn_is_not_drawn(latex: str) -> None:
    assert formula_line(latex) is None
    assert formula_rows(latex, 60) is None
    assert formula_mathml(latex, is_block=True) is None


@pytest.mark.parametrize("latex", AS_WRITTEN[:11])
def test_what_cannot_be_drawn_stays_as_written(latex: str) -> None:
    for source in (f"$$\n{latex}\n$$", f"$${latex}$$", f"\\[{latex}\\]"):
        lines = [strip.text.strip() for strip in draw_text(source, 70, Palette())]
        assert [line for line in lines if line] == source.split("\n")


def test_a_wide_formula_is_broken_before_its_relations() -> None:
    latex = " = ".join(r"\frac{a + b}{c}" for _ in range(4))
    rows = formula_rows(latex, 30)
    assert rows is not None
    assert len(rows) == 6
    assert rows[3].startswith("    ")
    assert formula_rows(r"\frac{" + "a+" * 40 + "b}{c}", 30) is None


COMMANDS = r"""\frac \sqrt \sum \int \lim \left( \right) \begin{matrix} \end{matrix} \\ \alpha
\text{ab} \hat \overline \underbrace \boxed \binom \cancel \not \, \quad \xx \left. \right|
\middle| \limits \tag{1} \color{red} \phantom{z} \mathbb \mathbf"""
SIGNS = "{}^_&abx12+-=()[]|',.é中\x1b\u202e$ \n<>#%~"
PIECES = st.sampled_from([*COMMANDS.split(), *SIGNS])
LATEX = st.one_of(st.lists(PIECES, max_size=30).map(" ".join), st.lists(PIECES).map("".join))


@examples(300)
@given(LATEX)
def test_no_letter_or_digit_of_a_formula_is_lost(latex: str) -> None:
    element = parse_formula(latex)
    if element is None:
        return
    wanted = letters("".join(element.itertext()))
    line = formula_line(latex)
    assert line is None or not _without_phantoms(element, wanted) - letters(line)
    rows = formula_rows(latex, 10_000)
    if rows is not None:
        text = "\n".join(rows)
        assert not _without_phantoms(element, wanted) - letters(text)
        assert is_printable(text)
        assert len({cell_len(row) for row in rows}) <= len(rows)


def _without_phantoms(element: Element, wanted: Counter[str]) -> Counter[str]:
    hidden = letters("".join(t for p in element.iter("mphantom") for t in p.itertext()))
    return wanted - hidden


@examples(200)
@given(LATEX, st.sampled_from(["$", "$$", "$$\n"]), st.integers(1, 80))
def test_any_formula_in_a_text_can_be_drawn_in_any_width(latex: str, sign: str, width: int) -> None:
    for strip in draw_text(f"text {sign}{latex}{sign[::-1]} text", width, Palette()):
        assert is_printable(strip.text)
        assert strip.cell_length <= max(width, 16)
    formula_mathml(latex, is_block=True)


HOSTILE = {
    "fractions": r"\frac{" * 300,
    "roots": r"\sqrt" * 380 + "x",
    "scripts": "x" + "_{a" * 200 + "}" * 200,
    "matrices": r"\begin{matrix}" * 60 + "x" + r"\end{matrix}" * 60,
    "cells": r"\begin{matrix}" + "a&" * 900 + r"\end{matrix}",
    "accents": r"\hat" * 480 + "x",
    "boxes": r"\boxed{" * 20 + "x" + "}" * 20,
    "primes": "x" + "'" * 1_900,
    "rows": r"\\" * 990,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("latex", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_formula_is_bounded(latex: str) -> None:
    formula_line(latex)
    rows = formula_rows(latex, 200)
    assert rows is None or sum(map(len, rows)) <= 200 * 1_200


PLAIN = [
    "It costs $5 and $6.",
    "between $10-$20 a month",
    "US$5 or US$6",
    "echo $HOME/$USER and $PATH:$HOME",
    "$5 for one, 5$ for two",
    "a `$x$` and `\\(y\\)` in code",
    "$a `b$ c`",
    "$ x $",
    "an open $x",
    "\\$x\\$",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formula_is_text(text: str) -> None:
    shown = text.replace("`", "").replace("\\$", "$") if "`" in text or "\\$" in text else text
    assert draw_text(text, 80, Palette())[-1].text == shown


@pytest.mark.parametrize("fence", ["```", "~~~latex"])
def test_a_code_block_is_never_a_formula(fence: str) -> None:
    lines = [
        s.text.strip() for s in draw_text(f"{fence}\n$x^2$\n$$y^2$$\n{fence[:3]}", 40, Palette())
    ]
    assert lines[-2:] == ["$x^2$", "$$y^2$$"]


def test_without_unicode_a_formula_is_shown_as_written() -> None:
    shown = "\n".join(s.text for s in draw_text(r"$x^2$ and $a = b$", 40, Palette(ascii_only=True)))
    assert shown.strip() == "$x^2$ and a = b"


def test_mathml_has_no_links_scripts_or_styles() -> None:
    for latex in (r"\href{javascript:x}{y}", r"\style{color:red}{x}", r"\class{a}{x}"):
        assert formula_mathml(latex, is_block=False) is None
    shown = formula_mathml(r"\text{<script>} < \color{red\"}{x}", is_block=False)
    assert shown is None or "<script" not in shown
