"""Splits streaming Markdown into blocks; only the last few blocks are parsed again.

The splits depend on the text alone, never on its chunks. Complete lines are added one by
one. After every `CHECK_LINES` lines the tail is parsed and split before its last block. A
larger block is split inside, by its kind. So a frame costs the same for a reply of 1 kB
and of 1 MB.

A line that is too long for one block is cut into slices, between sentences if it has some. The
slices after the first continue its block and are not parsed, so the cost of a line does not depend
on its length.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from replyscope.inspection.markup.diagram import LONGEST as DIAGRAM_LIMIT
from replyscope.inspection.markup.formula_rules import LONGEST as FORMULA_LIMIT
from replyscope.ui.markdown.block import Block, BlockKind
from replyscope.ui.markdown.parser import References, parse_blocks
from replyscope.ui.markdown.spans import Span, find_spans, marker_width

CHECK_LINES = 32
CHECK_CHARACTERS = 4_096
_LONGEST_LINE = 2_048
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LEAST_SLICE, _LEAST_SENTENCES = 64, 512
_TO_WORD = re.compile(r".*\s(?=[^\W\d_])", re.DOTALL)
_TO_SENTENCE = re.compile(
    r".*(?:[.!?…][\"'”’»)\]*_`]*\s+|[。！？][」』”’）]*\s*)(?=[^\W\d_])", re.DOTALL
)
_CUTS = ((_TO_SENTENCE, _LEAST_SENTENCES), (_TO_WORD, _LEAST_SLICE))
"""The places where a line is cut, the best first, and how many characters have to be before one.
A slice begins with a letter, so that it is no item or heading of its own.
"""
_BARS = re.compile(r"(?<!\\)\|")


class BlockSplitter:
    """An incremental splitter. `blocks` are final; later text can change `open_blocks()`."""

    def __init__(self, *, is_source: bool = False) -> None:
        self.blocks: list[Block] = []
        self.references: References = {}
        self._lines: list[str] = []
        self._partial = ""
        self._is_in_line = False
        """Whether slices of the incomplete line were split off already."""
        self.parsed = 0
        """The number of characters parsed so far, each repetition counted."""
        self._unchecked = 0
        self._unchecked_characters = 0
        self._indent = 0
        self._continues = False
        # A source is the code of a fence that nothing closes.
        self._fence = Block(BlockKind.CODE, "", False, language="markdown") if is_source else None
        self._fence_mark = ""
        self._table: tuple[str, str] | None = None
        self._cells = 0
        """The cells before the next slice of an incomplete row."""

    def feed(self, text: str) -> None:
        """Append text."""
        text = self._partial + text
        # The last carriage return may be half of a line break, which is not part of a slice.
        held = "\r" if text.endswith("\r") else ""
        if "\r" in text:  # the parser counts lines as CommonMark does
            text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, last = text.split("\n")
        for line in lines:
            *slices, rest = _slices(line)
            for piece in slices:
                self._add_slice(piece)
            self._add(rest)
        *slices, rest = _slices(last)
        for piece in slices:
            self._add_slice(piece)
        self._partial = rest + held

    def open_blocks(self) -> tuple[list[Block], References]:
        """The blocks of the tail, as if the text ended here."""
        partial = self._in_its_column(self._partial) if self._is_in_line else self._partial
        lines = [*self._lines, partial] if self._partial else list(self._lines)
        if self._fence is not None:
            if self._partial and not self._is_in_line and self._closes_fence(self._partial):
                lines.pop()
            return ([self._code_block(lines)] if lines else []), {}
        spans, references, skipped = self._parse(lines)
        blocks = self._blocks_of(spans, lines, skipped)
        return blocks, references

    def _add_slice(self, piece: str) -> None:
        """Add the next slice of an incomplete line."""
        if not self._is_in_line:
            self._add(piece)
            while self._lines:
                self._cut(is_forced=True)
            self._is_in_line = True
            self._cells = len(_BARS.findall(piece)) - piece.lstrip().startswith("|")
        elif self._fence is not None:
            self._lines = [piece]
            self._cut()
        elif self._table is not None:
            header, first = self._table
            source = f"{header}\n{self._in_its_column(piece)}"
            self._cells += len(_BARS.findall(piece))
            self.blocks.append(
                Block(BlockKind.TABLE, source, False, self._indent, "", first, False)
            )
        elif piece.strip():
            self.blocks.append(Block(BlockKind.MARKDOWN, piece, False, self._indent))

    def _in_its_column(self, piece: str) -> str:
        """A part of a row, with empty cells in place of those before it: in the first column, which
        may be narrow, it would have hundreds of lines.
        """
        if self._table is None or not self._cells:
            return piece
        columns = self._table[0].split("\n")[1].strip().strip("|").count("|") + 1
        return "|" + " |" * min(self._cells, columns - 1) + f" {piece}"

    def _add(self, line: str) -> None:
        """Add a complete line, or the rest of a long one."""
        if self._is_in_line:
            self._is_in_line = False
            self._take(self._in_its_column(line))
            return
        if self._indent and line.strip() and not line.startswith(" " * self._indent):
            self._leave_item()
        elif self._indent:
            line = line[self._indent :]
        if self._fence is not None and self._closes_fence(line):
            if self._lines:
                self.blocks.append(self._code_block(self._lines))
            self._forget_tail()
            self._fence = None
            return
        self._take(line)

    def _take(self, line: str) -> None:
        self._lines.append(line)
        self._unchecked += 1
        self._unchecked_characters += len(line)
        if self._unchecked >= CHECK_LINES or self._unchecked_characters >= CHECK_CHARACTERS:
            self._cut()

    def _forget_tail(self) -> None:
        self._lines = []
        self._unchecked = self._unchecked_characters = 0

    def _leave_item(self) -> None:
        """End the list item that was split, at a line outside it. Its tail becomes final."""
        if self._fence is not None:
            if self._lines:
                self.blocks.append(self._code_block(self._lines))
        else:
            spans, references, skipped = self._parse(self._lines)
            self.blocks += self._blocks_of(spans, self._lines, skipped)
            self._learn(references)
        self._forget_tail()
        self._continues = False
        self._indent = 0
        self._fence = None
        self._table = None

    def _parse(self, lines: list[str]) -> tuple[list[Span], References, int]:
        """Parse the lines. Within a table its header is put first, and its lines are skipped."""
        header = self._table[0].split("\n") if self._table is not None else []
        text = "\n".join([*header, *lines]) + "\n" if lines else ""
        self.parsed += len(text)
        tokens, references = parse_blocks(text)
        return find_spans(tokens), references, len(header)

    def _cut(self, *, is_forced: bool = False) -> None:
        """Split the tail. A formula or diagram that may still be closed is kept, if not forced."""
        self._unchecked = self._unchecked_characters = 0
        if self._fence is not None:
            block = self._code_block(self._lines)
            self.blocks.append(block)
            self._fence = Block(
                BlockKind.CODE, "", False, block.indent, block.language, block.source, False
            )
            self._lines = []
            return
        spans, references, skipped = self._parse(self._lines)
        if len(spans) >= 2:
            self._cut_before_last(spans, references, skipped)
        elif spans and (is_forced or not self._is_kept(spans[0])):
            self._cut_inside(spans[0], references)
        elif spans:
            return
        else:
            # Blank lines and link definitions only.
            self._learn(references)
            self._lines = []

    def _is_kept(self, span: Span) -> bool:
        """Whether a block is drawn as a whole once it is closed."""
        size = sum(map(len, self._lines)) + len(self._lines)
        if span.kind == "formula_block":
            return not span.is_closed and size < FORMULA_LIMIT
        return span.is_diagram and not span.is_closed and size < DIAGRAM_LIMIT

    def _cut_before_last(self, spans: list[Span], references: References, skipped: int) -> None:
        previous, last = spans[-2], spans[-1]
        between = self._lines[previous.end - skipped : last.start - skipped]
        # A definition above the last block may still get a title, so it stays in the tail.
        is_blank = all(not line.strip() for line in between)
        at = (last.start if is_blank else previous.end) - skipped
        self.blocks += self._blocks_of(spans[:-1], self._lines, skipped)
        if at < len(self._lines):
            _, learnt = parse_blocks("\n".join(self._lines[:at]) + "\n")
            self._learn(learnt)
        else:
            self._learn(references)
        self._continues = (
            last.kind == "list_item"
            and previous.kind == "list_item"
            and (last.start == previous.end and bool(self._lines[last.start - skipped - 1].strip()))
        )
        self._table = None
        self._lines = self._lines[at:]

    def _cut_inside(self, span: Span, references: References) -> None:
        """Split the tail within its only block. The first part is final; the rest continues it."""
        lines = self._lines
        if span.kind == "fence":
            self._cut_fence(span)
            return
        if span.kind == "table_open":
            block = self._blocks_of([span], lines, 2 if self._table else 0)
            if self._table is None:
                self._table = ("\n".join(lines[span.start : span.start + 2]), block[0].source)
                block[0] = replace(block[0], context=block[0].source)
            self.blocks += block
            self._lines = []
            self._continues = True
            return
        if span.kind == "list_item" and len(span.children) >= 2:
            last_child = span.children[-1]
            offset = marker_width(lines[span.start])
            if last_child > span.start and offset:
                cut = Span(span.kind, span.start, last_child)
                self.blocks += self._blocks_of([cut], lines, 0)
                self._indent += offset
                self._continues = bool(lines[last_child - 1].strip())
                self._lines = [line[offset:] for line in lines[last_child:]]
                return
        self.blocks += self._blocks_of([span], lines, 0)
        self._learn(references)
        self._continues = True
        self._lines = []

    def _cut_fence(self, span: Span) -> None:
        opener = self._lines[span.start]
        match = _FENCE.match(opener)
        blocks = self._blocks_of([span], self._lines, 0)
        self.blocks += blocks
        self._lines = []
        self._continues = False
        if match is None or span.is_closed:
            return
        self._fence_mark = match[1]
        self._fence = Block(
            BlockKind.CODE, "", False, self._indent, blocks[0].language, blocks[0].source, False
        )

    def _closes_fence(self, line: str) -> bool:
        stripped = line.strip()
        mark = self._fence_mark
        return bool(mark) and len(stripped) >= len(mark) and set(stripped) == {mark[0]}

    def _learn(self, references: References) -> None:
        if references:
            self.references = {**references, **self.references}

    def _code_block(self, lines: list[str]) -> Block:
        assert self._fence is not None
        fence = self._fence
        source = "\n".join(lines)
        return Block(
            BlockKind.CODE, source, False, self._indent, fence.language, fence.context, False
        )

    def _blocks_of(self, spans: list[Span], lines: list[str], skipped: int) -> list[Block]:
        blocks: list[Block] = []
        for position, span in enumerate(spans):
            start, end = max(0, span.start - skipped), span.end - skipped
            continues = self._continues and start == 0
            if position:
                before = spans[position - 1]
                in_list = before.kind == span.kind == "list_item"
                continues = in_list and start > 0 and bool(lines[start - 1].strip())
            source = "\n".join(lines[start:end]).rstrip("\n")
            if span.kind == "table_open" and position == 0 and self._table is not None:
                if not source:
                    continue
                header, first = self._table
                source = f"{header}\n{source}"
                block = Block(BlockKind.TABLE, source, False, self._indent, "", first, False)
            elif span.kind == "table_open":
                block = Block(BlockKind.TABLE, source, not continues, self._indent)
            elif span.kind in ("fence", "code_block"):
                language = span.info.split()[0] if span.info else ""
                content = span.content.removesuffix("\n")
                is_drawn = span.is_diagram and span.is_closed
                kind = BlockKind.DIAGRAM if is_drawn else BlockKind.CODE
                block = Block(kind, content, not continues, self._indent, language)
            else:
                block = Block(BlockKind.MARKDOWN, source, not continues, self._indent)
            blocks.append(block)
        return blocks


def _slices(line: str) -> Iterator[str]:
    """The slices of a line. A very long line is cut between sentences where possible, or before a
    word: each slice begins a line on the screen.
    """
    start = 0
    while len(line) - start > _LONGEST_LINE:
        end = start + _LONGEST_LINE
        found = (
            match.end()
            for place, least in _CUTS
            if (match := place.match(line, start, end)) is not None and match.end() - start > least
        )
        cut = next(found, None)
        if cut is not None:
            yield line[start:cut].rstrip(" ")
        else:
            yield line[start:end]
        start = cut or end
    yield line[start:]
