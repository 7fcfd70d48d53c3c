"""Plain text in 80 columns, line by line, each with what it is for a terminal that has colours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

WIDTH: Final = 80

Style: TypeAlias = Literal["plain", "title", "good", "bad", "code", "quiet"]


class Line(NamedTuple):
    """One line of text."""

    text: str
    style: Style = "plain"


def wrapped(text: str, style: Style = "plain", *, first: str = "", indent: str = "") -> list[Line]:
    """`text` in as many lines as it needs.

    :param first: in front of the first line.
    :param indent: in front of the others.
    """
    lines = textwrap.wrap(
        printable(text), WIDTH, initial_indent=first, subsequent_indent=indent
    ) or [first.rstrip()]
    return [Line(line, style) for line in lines]


def printable(text: str) -> str:
    """`text` without what a terminal would obey."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def code(python: str) -> Iterator[Line]:
    """Python to paste, which is not wrapped."""
    for line in python.splitlines():
        yield Line(f"    {line}" if line else "", "code")


def joined(lines: Iterable[Line]) -> str:
    """The lines as one text."""
    return "\n".join(line.text for line in lines)
