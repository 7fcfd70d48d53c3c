"""Requests per second and latency of one worker, measured by wrk over the loopback interface."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, cast

from aiohttp import hdrs

from ._apps import HAND, NONE, OLD, ONE, OURS
from ._figures import Figure, Figures, Key

if TYPE_CHECKING:
    from typing_extensions import Self

PART: Final = "http"
RATE: Final = "requests"
CPU: Final = "server CPU"
MEDIAN: Final = "latency, median"
TAIL: Final = "latency, 99 %"
UNITS: Final = {RATE: "1/s", CPU: "us", MEDIAN: "us", TAIL: "us"}

_CONNECTIONS: Final = 16
# How often each worker is loaded after it was warmed up.
_TURNS: Final = 4
_SERVED: Final = (OURS, HAND, OLD, NONE)

# wrk prints its figures with units that change; a script gets them as numbers.
_SCRIPT: Final = """\
wrk.method = "{method}"
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("\\n= %d %f %f %f %d\\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Case:
    """One kind of request."""

    name: str
    method: str
    headers: dict[str, str]
    contenders: tuple[str, ...]


CASES: Final = (
    Case("actual, allowed", hdrs.METH_GET, {hdrs.ORIGIN: ONE.origin}, _SERVED),
    Case(
        "preflight, granted",
        hdrs.METH_OPTIONS,
        {
            hdrs.ORIGIN: ONE.origin,
            hdrs.ACCESS_CONTROL_REQUEST_METHOD: hdrs.METH_PUT,
            hdrs.ACCESS_CONTROL_REQUEST_HEADERS: "content-type,x-header-01",
        },
        (OURS, HAND, OLD),
    ),
)


class Server:
    """A worker of its own process."""

    def __init__(self, contender: str, packages: Path, processors: set[int]) -> None:
        command = [sys.executable, "-m", "benchmarks._server", contender, str(packages)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if processors:
            os.sched_setaffinity(self._process.pid, processors)
        self._contender = contender
        self._port = int(self._read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def _read(self) -> str:
        return cast("IO[str]", self._process.stdout).readline()

    def _cpu(self) -> float:
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write("\n")
        stdin.flush()
        return float(self._read())

    def check(self, case: Case) -> None:
        """See to it that the worker answers as the case wants it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request(case.method, "/thing", headers=case.headers)
        response = connection.getresponse()
        granted = hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in response.headers
        connection.close()
        if response.status != 200 or granted is (self._contender == NONE):
            raise RuntimeError(f"{self._contender} answers wrongly to {case}: {response.headers}")

    def load(self, case: Case, script: Path) -> dict[str, float]:
        """Send it as many requests as it takes for a second, and say what came of that."""
        lines = [argument for item in case.headers.items() for argument in ("-H", ": ".join(item))]
        command = ["wrk", "-t1", f"-c{_CONNECTIONS}", "-d1s", f"-s{script}", *lines]
        before = self._cpu()
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{self._port}/thing"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        cpu = self._cpu() - before
        line = next(line for line in done.stdout.splitlines() if line.startswith("= "))
        requests, duration, median, tail, errors = map(float, line.split()[1:])
        if errors:
            raise RuntimeError(f"{errors:.0f} requests to {self._contender} failed: {case}")
        return {
            RATE: requests / duration,
            CPU: cpu / requests * 1e6,
            MEDIAN: median,
            TAIL: tail,
        }


def available() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


@contextmanager
def _processors() -> Generator[set[int], None, None]:
    """The processor that the workers run on while everything else keeps off it; none if not."""
    if sys.platform != "linux" or len(mine := os.sched_getaffinity(0)) == 1:
        yield set()
        return
    theirs = {max(mine)}
    os.sched_setaffinity(0, mine - theirs)
    try:
        yield theirs
    finally:
        os.sched_setaffinity(0, mine)


def measure(packages: Path, starts: int, progress: Callable[[str], None]) -> Figures:
    """Load one worker after the other for a second, in turn; `starts` times with fresh workers.

    One process may be faster than the next of the same kind by more than what is compared: where
    its objects lie in memory is up to chance.
    """
    values: dict[Key, list[float]] = {}
    for start in range(starts):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            on = stack.enter_context(_processors())
            servers = {name: stack.enter_context(Server(name, packages, on)) for name in _SERVED}
            for turn in range(_TURNS + 1):
                progress(f"over HTTP: start {start + 1} of {starts}")
                for case in CASES:
                    script = directory / f"{case.method}.lua"
                    script.write_text(_SCRIPT.format(method=case.method), encoding="ascii")
                    # Nobody is always the first.
                    first = turn % len(case.contenders)
                    for name in (*case.contenders[first:], *case.contenders[:first]):
                        if turn == 0:
                            servers[name].check(case)
                        figures = servers[name].load(case, script)
                        for what, value in figures.items() if turn else ():  # the first warms up
                            values.setdefault(Key(PART, case.name, what, name), []).append(value)
    return {key: Figure(tuple(those), UNITS[key.variant]) for key, those in values.items()}
