"""Python to paste, laid out in lines that are no longer than they have to be."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple, TypeAlias

#: What is indented by four columns still fits into 80.
_WIDTH: Final = 76

_INDENT: Final = 4

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


class Group(NamedTuple):
    """Code in brackets."""

    opening: str
    members: tuple[Code, ...]
    closing: str

    def __str__(self) -> str:
        """All of it in one line."""
        return f"{self.opening}{', '.join(map(str, self.members))}{self.closing}"


Code: TypeAlias = "str | Group"


def call(function: str, *arguments: Code) -> Group:
    """A call."""
    return Group(f"{function}(", arguments, ")")


def quoted(text: str) -> str:
    """`text` as Python has it, in double quotes as far as it is ordinary."""
    # Of what JSON escapes, this is the same in Python.
    return json.dumps(text) if text.isascii() and text.isprintable() else repr(text)


def laid_out(code: Code, indent: int = 0) -> str:
    """`code` in one line, or with a line for each member, and room for a comma behind it.

    :param indent: how far it is indented from the second line on.
    """
    room = _WIDTH - indent - 1
    if len(line := str(code)) <= room:
        return line
    margin = "\n" + " " * indent
    if isinstance(code, str) or not code.members:
        return margin.join(_cut(line, room))
    opening = margin.join(_cut(code.opening, room))
    inner = "\n" + " " * (indent + _INDENT)
    members = [f"{inner}{laid_out(member, indent + _INDENT)}," for member in code.members]
    return f"{opening}{''.join(members)}{margin}{code.closing}"


def _cut(code: str, room: int) -> list[str]:
    """A text in front of `code` in pieces that fit, which Python reads as one."""
    found = _QUOTED.match(code)
    if found is None or len(code) <= room:
        return [code]
    end = min(room - 1, found.end() - 2)
    head = code[:end]
    if (len(head) - len(head.rstrip("\\"))) % 2:
        head = head[:-1]
    return [f'{head}"', *_cut(f'"{code[len(head) :]}', room)]
