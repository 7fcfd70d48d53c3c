"""The table, the targets, and the same as JSON."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from . import _http, _instructions, _setup
from ._apps import CONTENDERS, HAND, OLD, ONE, ONE_PATTERN, ORIGINS, OURS, PATTERNS, ROUTES
from ._figures import Figure, Figures, Key, ratio
from ._inprocess import ACTUAL, PREFLIGHT

_GROWN = {ORIGINS.name: ONE.name, ROUTES.name: ONE.name, PATTERNS.name: ONE_PATTERN.name}
_HEADINGS = {
    ACTUAL: "Actual requests: CPU time of the response hook",
    PREFLIGHT: "Preflights: CPU time of the handler",
    _http.PART: "Over HTTP: one worker, wrk over the loopback interface",
    _setup.PART: "Set-up: configuring routes under origins",
    _instructions.PART: "Instructions in thousands, counted by callgrind",
}


@dataclass(frozen=True)
class Target:
    """What a ratio of two medians has to be at most."""

    name: str
    bound: float
    value: float

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.value <= self.bound

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        return f"{self.name} <= {self.bound:.2f}: {self.value:.2f} {verdict}"


def targets(figures: Figures) -> list[Target]:
    """What is aimed at, and what came of it; without what was not measured."""
    return [
        Target(name, bound, value)
        for name, bound, value in (*_beside(figures), *_grown(figures))
        if value is not None
    ]


def _beside(figures: Figures) -> Iterator[tuple[str, float, float | None]]:
    def us(part: str, case: str, who: str) -> Key:
        return Key(part, case, ONE.name, who)

    for part, case, who, bound in (
        (ACTUAL, "allowed", HAND, 1.6),
        (ACTUAL, "allowed", OLD, 0.3),
        (ACTUAL, "no Origin", OLD, 0.3),
        (ACTUAL, "refused", OLD, 0.3),
        (PREFLIGHT, "granted", HAND, 1.8),
        (PREFLIGHT, "granted", OLD, 0.4),
        (ACTUAL, "non-CORS route", OLD, 0.35),
    ):
        value = ratio(figures, us(part, case, OURS), us(part, case, who))
        yield f"{part}, {case}: ours / {who}", bound, value
    value = ratio(figures, us(ACTUAL, "non-CORS route", OURS), us(ACTUAL, "allowed", OLD))
    yield f"actual, non-CORS route: ours / {OLD} on an allowed request", 0.35, value
    for way in _setup.WAYS:
        for what in (_setup.TIME, _setup.MEMORY):
            ours, old = (Key(_setup.PART, way, what, who) for who in (OURS, OLD))
            yield f"set-up, {way}, {what}: ours / {OLD}", 1.0, ratio(figures, ours, old)
    for name in (case.name for case in _http.CASES):
        ours, hand = (Key(_http.PART, name, _http.RATE, who) for who in (OURS, HAND))
        # Within 2 %: the slower of the two is ours, so that its time is at most 1.02 of the other.
        yield f"http, {name}: time of ours / {HAND}", 1.02, ratio(figures, hand, ours)


def _grown(figures: Figures) -> Iterator[tuple[str, float, float | None]]:
    for grown, one in _GROWN.items():
        found = [
            (value, f"{key.part}, {key.case}")
            for key in figures
            if key.variant == grown and key.contender == OURS
            if (value := ratio(figures, key, key._replace(variant=one))) is not None
        ]
        if found:
            value, name = max(found)
            yield f"{grown} / one, at worst ({name})", 1.15, value


def text(figures: Figures) -> str:
    """Everything to read."""
    parts = dict.fromkeys(key.part for key in figures)
    blocks = ["\n".join(f"{name}: {value}" for name, value in machine().items())]
    blocks += [f"{_HEADINGS[part]}\n\n{_table(_rows(figures, part))}" for part in parts]
    blocks.append("\n".join(["Targets", "", *map(str, targets(figures))]))
    return "\n\n".join(blocks)


def _rows(figures: Figures, part: str) -> Iterator[list[str]]:
    those = [key for key in figures if key.part == part]
    present = [who for who in CONTENDERS if any(key.contender == who for key in those)]
    grown = any(key.variant in _GROWN for key in those)
    beside = [who for who in (HAND, OLD) if who in present]
    ratios = [f"ours / {who}" for who in beside]
    yield ["", "", "", *present, *ratios, *(["ours / one"] if grown else [])]
    shown = None
    for case, variant in dict.fromkeys((key.case, key.variant) for key in those):
        keys = {who: Key(part, case, variant, who) for who in present}
        unit = next(figures[key].unit for key in keys.values() if key in figures)
        row = ["" if case == shown else case, variant, unit]
        row += [_shown(figures[key]) if key in figures else "" for key in keys.values()]
        values = [ratio(figures, keys[OURS], keys[who]) for who in beside]
        if variant in _GROWN:
            one = keys[OURS]._replace(variant=_GROWN[variant])
            values.append(ratio(figures, keys[OURS], one))
        yield row + ["" if value is None else f"{value:.2f}" for value in values]
        shown = case


def write_below(marker: str, readme: Path, shown: str) -> None:
    """Replace what stands below a line of the README."""
    above, _, _ = readme.read_text(encoding="utf-8").partition(marker)
    lines = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    block = textwrap.indent(lines, "   ")
    readme.write_text(f"{above}{marker}\n\n::\n\n{block}\n", encoding="utf-8")


def _shown(figure: Figure) -> str:
    digits = 0 if figure.median >= 1_000 else 1 if figure.median >= 100 else 2
    spread = f" ({figure.spread:.{digits}f})" if len(figure.values) > 1 else ""
    return f"{figure.median:.{digits}f}{spread}"


def _table(rows: Iterator[Sequence[str]]) -> str:
    lines = [list(row) for row in rows]
    columns = max(map(len, lines))
    for line in lines:
        line.extend([""] * (columns - len(line)))
    widths = [max(len(line[column]) for line in lines) for column in range(columns)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(figures: Figures) -> dict[str, Any]:
    """Everything to compute with: all values of all rounds."""
    return {
        "machine": machine(),
        "figures": [
            {
                **key._asdict(),
                "unit": figure.unit,
                "median": figure.median,
                "spread": figure.spread,
                "values": figure.values,
            }
            for key, figure in figures.items()
        ],
        "targets": [
            {"name": target.name, "bound": target.bound, "value": target.value, "met": target.met}
            for target in targets(figures)
        ],
    }


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    libraries = ("aiohttp", "multidict", "yarl")
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: metadata.version(name) for name in libraries},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
