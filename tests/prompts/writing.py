"""Writes prompts into the library of a test."""

from pathlib import Path

from replyscope.config.prompts import PromptFolder, parse_prompt
from replyscope.domain.prompt import Prompt

REVIEW = """\
+++
title = "Review code"

[parameters]
temperature = 0.2

[variables.language]
type = "choice"
choices = ["Python", "Rust"]
default = "Python"
description = "the language of the code"

[variables.focus]
description = "what to look at"
+++
Review this {{language}} code for {{ focus }}.

{{input}}
"""


def write_prompt(folder: Path, name: str, text: str) -> Path:
    """Write a prompt below a config folder."""
    file = folder / "prompts" / f"{name}.md"
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def prompt_of(text: str, name: str = "review") -> Prompt:
    """The prompt of a text."""
    return parse_prompt(name, text, Path(f"{name}.md"))


def library_in(folder: Path) -> PromptFolder:
    """The library below a folder."""
    return PromptFolder(folder / "prompts", is_saving=True)
