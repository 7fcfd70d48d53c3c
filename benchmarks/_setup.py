"""Time and memory that it takes to configure many routes under many origins.

Each figure comes from a fresh process: python -m benchmarks._setup NAME PACKAGES WAY WHAT ...
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from ._apps import OLD, OPTIONS, OURS, Size, hello, library
from ._figures import Figure, Figures, Key

PART: Final = "set-up"
TIME: Final = "time"
MEMORY: Final = "memory"
UNITS: Final = {TIME: "ms", MEMORY: "MB"}
SHARED: Final = "one dict for all"
ANEW: Final = "a dict for each"
WAYS: Final = (SHARED, ANEW)

FULL: Final = Size("", origins=1_000, routes=5_000)
QUICK: Final = Size("", origins=100, routes=500)


def configure(contender: str, packages: Path, way: str, what: str, size: Size) -> float:
    """Configure an application in this process, and say what that took."""
    module = library(contender, packages)
    app = web.Application()
    routes = [app.router.add_get(f"/thing{number}", hello) for number in range(size.routes)]
    options = module.ResourceOptions(**OPTIONS)
    keys = tuple(size.keys())
    config = dict.fromkeys(keys, options)
    gc.collect()
    if what == MEMORY:
        tracemalloc.start()
    start = time.thread_time()
    cors = module.setup(app)
    for route in routes:
        cors.add(route, config if way == SHARED else dict.fromkeys(keys, options))
    if what == TIME:
        return (time.thread_time() - start) * 1_000
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1e6


def measure(packages: Path, rounds: int, size: Size, progress: Callable[[str], None]) -> Figures:
    """Configure in a process after the other, in turn. Memory is the same each time."""
    values: dict[Key, list[float]] = {}
    for number in range(rounds):
        progress(f"set-up: round {number + 1} of {rounds}")
        for way in WAYS:
            for what in (TIME, MEMORY) if number == 0 else (TIME,):
                for name in (OURS, OLD):
                    value = _in_fresh_process(name, packages, way, what, size)
                    values.setdefault(Key(PART, way, what, name), []).append(value)
    return {key: Figure(tuple(those), UNITS[key.variant]) for key, those in values.items()}


def _in_fresh_process(name: str, packages: Path, way: str, what: str, size: Size) -> float:
    command = [sys.executable, "-m", "benchmarks._setup", name, str(packages), way, what]
    command += [str(size.routes), str(size.origins)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def _main(name: str, packages: str, way: str, what: str, routes: str, origins: str) -> None:
    size = Size("", origins=int(origins), routes=int(routes))
    print(configure(name, Path(packages), way, what, size))


if __name__ == "__main__":
    _main(*sys.argv[1:])
