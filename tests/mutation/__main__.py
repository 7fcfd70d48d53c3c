"""Run mutmut, and compare what survives with the list."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

tomllib: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

LISTED = Path(__file__).with_name("survivors.toml")
MOST = 0.03
KILLED = {"killed", "timeout", "segfault"}


class Mutant(NamedTuple):
    """A change of the code, the same whatever number mutmut gives it."""

    function: str
    was: str
    now: str


def main() -> int:
    """Exit with 0 if what survives is what is listed, and not too much."""
    # A mutant that never ends shall not take all the memory.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    shutil.rmtree("mutants", ignore_errors=True)
    log = _mutmut("run", "--max-children", str(os.cpu_count() or 1))
    every = _mutmut("results", "--all", "true")
    results = dict(re.findall(r"^\s*(\S+): (.+)$", every, re.MULTILINE))
    if not results:
        sys.exit(log)
    survive = {_mutant(name) for name, status in results.items() if status not in KILLED}
    listed = {
        Mutant(one["function"], one["was"], one["now"])
        for one in tomllib.loads(LISTED.read_text("utf-8"))["mutant"]
        if one["why"]
    }
    for title, mutants in {
        "survives, and is not listed": survive - listed,
        "is listed, and does not survive": listed - survive,
    }.items():
        for one in sorted(mutants):
            print(f"{one.function} {title}:\n- {one.was}\n+ {one.now}\n")
    print(f"{len(results)} mutants, {len(survive)} survive: {len(survive) / len(results):.1%}")
    return int(survive != listed or len(survive) > MOST * len(results))


def _mutmut(*arguments: str) -> str:
    # With CI, hypothesis takes the same examples each time.
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        env={**os.environ, "CI": "true", "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout)
    return done.stdout


def _mutant(name: str) -> Mutant:
    diff = _mutmut("show", name).splitlines()
    # mutmut calls `function` x_function__mutmut_1, and `Class.method` xǁClassǁmethod__mutmut_1.
    function = re.sub(r"__mutmut_\d+$", "", name).replace(".xǁ", ".").replace("ǁ", ".")
    return Mutant(function.replace(".x_", "."), _lines(diff, "-"), _lines(diff, "+"))


def _lines(diff: list[str], sign: str) -> str:
    return "\n".join(
        line[1:].strip() for line in diff if line.startswith(sign) and not line.startswith(sign * 3)
    )


if __name__ == "__main__":
    sys.exit(main())
