"""Instructions that the processor executes for one request, counted by callgrind.

They hardly vary from one run to the next, whatever else the machine does. The worker,
``python -m benchmarks._instructions PACKAGES``, runs under valgrind.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ._apps import ONE
from ._figures import Figure, Figures, Key
from ._inprocess import CASES, Cell, make_cells

PART: Final = "instructions"
UNIT: Final = "k"

_COUNT: Final = 200
_WARM_UP: Final = 100
# Callgrind closes an account whenever the worker enters this function of the C library, which
# it does where it would otherwise read the clock: at both ends of what is measured.
_MARK: Final = "getppid"


def available() -> bool:
    """Whether valgrind is installed."""
    return shutil.which("valgrind") is not None


async def _cells(packages: Path) -> list[Cell]:
    cases = [case for case in CASES if len(case.names) < 100]
    return await make_cells(packages, cases, [ONE], clock=os.getppid)


async def _work(packages: Path) -> None:
    for cell in await _cells(packages):
        await cell.run(_WARM_UP)
        await cell.run(_COUNT)


def measure(packages: Path, progress: Callable[[str], None]) -> Figures:
    """Count for every case at its smallest size."""
    progress("counting instructions")
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        subprocess.run(
            [
                "valgrind",
                "--quiet",
                "--tool=callgrind",
                f"--callgrind-out-file={out}",
                f"--dump-before={_MARK}",
                *(sys.executable, "-m", "benchmarks._instructions", str(packages)),
            ],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        # The last dump has no number.
        dumps = len(list(out.parent.iterdir())) - 1
        totals = [_total(out.with_suffix(f".{number + 1}")) for number in range(dumps)]
    # The marks are: warm-up begins, warm-up ends, count begins, count ends.
    counted = totals[3::4]
    cells = asyncio.run(_cells(packages))
    return {
        Key(PART, cell.title, "", cell.key.contender): Figure((total / _COUNT / 1_000,), UNIT)
        for cell, total in zip(cells, counted, strict=True)
    }


def _total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)", dump.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"callgrind wrote no total to {dump}")
    return int(found[1])


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1])))
