"""Print lines, in colours where a terminal has them and rich is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .._text import Line, Style

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final[dict[Style, str]] = {
    "plain": "",
    "title": "bold",
    "good": "bold green",
    "bad": "bold red",
    "code": "cyan",
    "quiet": "dim",
}


def terminal() -> Console | None:
    """The terminal, if there is one that wants colours and rich is installed."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    try:
        from rich.console import Console  # noqa: PLC0415  # of the extra `cli`
    except ImportError:
        return None
    # What somebody's own code is named must not turn into colours or pictures.
    return Console(highlight=False, markup=False, emoji=False)


def show(lines: Iterable[Line]) -> None:
    """Print `lines`."""
    console = terminal()
    for line in lines:
        if console is None:
            print(line.text)
        else:
            console.print(line.text, style=_STYLES[line.style], soft_wrap=True)
