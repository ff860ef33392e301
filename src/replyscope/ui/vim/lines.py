"""Lines and columns of a text, by offset. Lines are separated by line feeds."""

BLANKS = " \t"


def line_start(text: str, at: int) -> int:
    """The offset of the first character of the line at an offset."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """The offset behind the last character of the line at an offset."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def first_word(text: str, at: int) -> int:
    """The offset of the first non-blank character of the line at an offset, else its end."""
    start, end = line_start(text, at), line_end(text, at)
    while start < end and text[start] in BLANKS:
        start += 1
    return start


def on_character(text: str, at: int) -> int:
    """The nearest offset on a character of the line; the start of an empty line."""
    start, end = line_start(text, at), line_end(text, at)
    return max(start, min(at, end - 1))


def number_of(text: str, at: int) -> int:
    """The number of the line at an offset, from 0."""
    return text.count("\n", 0, at)


def start_of(text: str, number: int) -> int:
    """The offset of the first character of a line by its number; the last line if it is greater."""
    at = 0
    for _ in range(number):
        end = text.find("\n", at)
        if end < 0:
            return at
        at = end + 1
    return at


def at_column(text: str, start: int, column: int) -> int:
    """The offset of a column in the line that starts at an offset, on a character."""
    return on_character(text, min(start + column, line_end(text, start)))


def is_blank(text: str, at: int) -> bool:
    """Whether the line at an offset has only blanks."""
    return not text[line_start(text, at) : line_end(text, at)].strip(BLANKS)


def is_in_indent(text: str, at: int) -> bool:
    """Whether an offset is at or before the first non-blank character of its line."""
    return at <= first_word(text, at)
