"""The directive ``sequence``: a sequence picture, drawn as SVG from lines of text.

Its content, a line each::

    Page | Browser | https://api.example     the participants, from left to right
    Page -> Browser: fetch()                 an arrow with its label; more lines follow `;`
    Browser --> Page: TypeError              a dashed arrow
    Browser: compares the origins            a note on a participant
    Browser -x Page: refused                 an arrow that ends in a cross

The SVG stands in the page, so that it takes the colours of the page, dark or light.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import Directive, directives

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

_ARROW = re.compile(r"(?P<start>[^:]+?) (?P<line>->|-->|-x) (?P<end>[^:]+?): (?P<text>.+)")

_HEAD = 190
_LETTER = 6.7
_TOP = 58
_LINE = 17
_GAP = 20


class Step(NamedTuple):
    """An arrow, or a note, which ends where it starts."""

    start: int
    end: int
    line: str
    text: list[str]


def parse(lines: list[str]) -> tuple[list[str], list[Step]]:
    """The participants and the steps of a picture.

    :raises ValueError: a line is of no known form, or names nobody.
    """
    participants = [name.strip() for name in lines[0].split("|")]
    steps: list[Step] = []
    for line in lines[1:]:
        match = _ARROW.fullmatch(line)
        if match is not None:
            ends = participants.index(match["start"]), participants.index(match["end"])
            kind, text = match["line"], match["text"]
        else:
            who, separator, text = line.partition(": ")
            if not separator:
                raise ValueError(f"neither an arrow nor a note: {line!r}")
            ends, kind = (participants.index(who),) * 2, "note"
        steps.append(Step(*ends, kind, [part.strip() for part in text.split(";")]))
    return participants, steps


def draw(participants: list[str], steps: list[Step], title: str) -> str:
    """The picture as an SVG element."""
    centres = _centres(len(participants), steps)
    body: list[str] = []
    y = _TOP
    for step in steps:
        part, y = (_note if step.line == "note" else _arrow)(step, centres, y)
        body.append(part)
    width, height = centres[-1] + centres[0], y + 16
    heads = "".join(
        f'<line x1="{x}" y1="38" x2="{x}" y2="{height - 6}" class="lane"/>'
        f'<rect x="{x - _HEAD // 2}" y="6" width="{_HEAD}" height="32" rx="5" class="head"/>'
        f'<text x="{x}" y="27" class="name">{escape(name)}</text>'
        for x, name in zip(centres, participants, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">'
        f"<style>{_STYLE}</style>{heads}{''.join(body)}</svg>"
    )


def _centres(number: int, steps: list[Step]) -> list[int]:
    """Where the participants stand: as far apart as what passes between them needs."""
    gaps = [_HEAD + 10] * (number - 1)
    for step in steps:
        wide = int(max(map(len, step.text)) * _LETTER) + 24
        if abs(step.end - step.start) == 1:
            left = min(step.start, step.end)
            gaps[left] = max(gaps[left], wide)
    first = _HEAD // 2 + 6
    return [first + sum(gaps[:place]) for place in range(number)]


def _arrow(step: Step, centres: list[int], y: int) -> tuple[str, int]:
    start, end = centres[step.start], centres[step.end]
    y += _GAP
    middle = (start + end) // 2
    text = _text(step.text, middle, y, "label")
    y += _LINE * (len(step.text) - 1) + 8
    side = 1 if end > start else -1
    tip = end - side * 2
    dashed = ' stroke-dasharray="5 4"' if step.line == "-->" else ""
    if step.line == "-x":
        tip -= side * 14
        head = f'<path d="M{tip - 5} {y - 5}l10 10m0 -10l-10 10" class="line"/>'
    else:
        back = tip - side * 9
        head = f'<path d="M{tip} {y}L{back} {y - 5}L{back} {y + 5}z" class="tip"/>'
    line = f'<line x1="{start}" y1="{y}" x2="{tip}" y2="{y}" class="line"{dashed}/>'
    return text + line + head, y


def _note(step: Step, centres: list[int], y: int) -> tuple[str, int]:
    x = centres[step.start]
    y += _GAP - 6
    wide = int(max(map(len, step.text)) * _LETTER) + 20
    high = _LINE * len(step.text) + 8
    box = f'<rect x="{x - wide // 2}" y="{y}" width="{wide}" height="{high}" rx="3" class="note"/>'
    return box + _text(step.text, x, y + _LINE, "said"), y + high


def _text(lines: list[str], x: int, y: int, style: str) -> str:
    return "".join(
        f'<text x="{x}" y="{y + _LINE * number}" class="{style}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


_STYLE = (
    ".lane,.line{stroke:var(--color-foreground-secondary,#555);stroke-width:1.4;fill:none}"
    ".lane{stroke-dasharray:2 4}"
    ".tip{fill:var(--color-foreground-secondary,#555)}"
    ".head{fill:var(--color-background-secondary,#eee);stroke:var(--color-brand-primary,#07c)}"
    ".note{fill:var(--color-background-secondary,#eee);"
    "stroke:var(--color-background-border,#ccc)}"
    "text{fill:var(--color-foreground-primary,#000);text-anchor:middle;"
    "font:13px var(--font-stack,sans-serif)}"
    ".name{font-weight:600}"
    # The label of a long arrow crosses lanes, which have to stay behind it.
    ".label{paint-order:stroke;stroke:var(--color-background-primary,#fff);stroke-width:5px}"
)


class Sequence(Directive):
    """``.. sequence:: Title`` with the picture's lines below it."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], str]] | None] = {"name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Draw."""
        title = self.arguments[0]
        try:
            picture = draw(*parse(list(self.content)), title)
        except ValueError as error:
            raise self.error(str(error)) from error
        figure = nodes.raw(
            "",
            f'<figure class="sequence">{picture}<figcaption>{escape(title)}</figcaption></figure>',
            format="html",
        )
        return [figure]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("sequence", Sequence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
