"""Where the time of our own goes: what is called for one request, and for how long."""

from __future__ import annotations

import cProfile
import io
import pstats
from pathlib import Path

from ._apps import ONE, OURS
from ._inprocess import CASES, Case, make_cells

_COUNT = 20_000
_TITLES = ("actual, allowed", "preflight, granted")


class _Switch:
    """Starts and stops a profile where a clock would be read: at both ends of what is measured."""

    def __init__(self) -> None:
        self.profile = cProfile.Profile()
        self._on = False

    def __call__(self) -> int:
        self._on = not self._on
        if self._on:
            self.profile.enable()
        else:
            self.profile.disable()
        return 0


async def text(packages: Path) -> str:
    """Show the calls for a response and for a preflight. Profiling makes short ones look dear."""
    blocks = [await _profile(packages, case) for case in CASES if case.title in _TITLES]
    return "\n".join(blocks)


async def _profile(packages: Path, case: Case) -> str:
    switch = _Switch()
    cells = await make_cells(packages, [case], [ONE], clock=switch)
    await next(cell for cell in cells if cell.key.contender == OURS).run(_COUNT)
    out = io.StringIO()
    pstats.Stats(switch.profile, stream=out).strip_dirs().sort_stats("tottime").print_stats(20)
    return f"Profile: {case.title}, {_COUNT:,} times\n\n{out.getvalue().strip()}\n"
