"""The cost of the response hook and of the preflight handler, without a socket in between."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request

from . import _apps
from ._apps import (
    EMPTY,
    HAND,
    NONE,
    OLD,
    ONE,
    ONE_PATTERN,
    ORIGINS,
    OURS,
    PATTERNS,
    ROUTES,
    STATIC_FILE,
    Size,
)
from ._figures import Figure, Figures, Key

ACTUAL: Final = "actual"
PREFLIGHT: Final = "preflight"
UNIT: Final = "us"

# How often a request is processed in one turn, and how many microseconds that takes at most.
_FEWEST: Final = 10
_MOST: Final = 100
_TURN: Final = 1_000
_EVIL: Final = "https://evil.example"


Hook: TypeAlias = "Callable[[web.Request, web.StreamResponse], Awaitable[None]]"


@dataclass(frozen=True)
class Case:
    """One kind of request."""

    part: str
    name: str
    path: str = "/thing"
    origin: str | None = ""
    """An origin that is allowed if empty."""
    names: tuple[str, ...] = ("content-type", "x-header-01")
    """What a preflight asks for."""
    granted: bool = True
    """Whether the response has to have Access-Control-Allow-Origin."""
    hooked: bool = False
    """Whether the hooks get the response to the preflight, too, as they do on a server."""
    without: tuple[str, ...] = ()
    """The contenders that have nothing like it."""

    @property
    def title(self) -> str:
        """What it is called in full."""
        return f"{self.part}, {self.name}"

    def request(self, app: web.Application, size: Size) -> web.Request:
        """Make the request, not yet routed."""
        origin = size.origin if self.origin == "" else self.origin
        headers = {} if origin is None else {hdrs.ORIGIN: origin}
        method = hdrs.METH_GET
        if self.part == PREFLIGHT:
            method = hdrs.METH_OPTIONS
            headers[hdrs.ACCESS_CONTROL_REQUEST_METHOD] = hdrs.METH_PUT
            headers[hdrs.ACCESS_CONTROL_REQUEST_HEADERS] = ",".join(self.names)
        return make_mocked_request(method, self.path, headers=headers, app=app)

    def response(self) -> web.StreamResponse:
        """Make what the handler returns."""
        if self.path.startswith("/static"):
            return web.FileResponse(STATIC_FILE)
        return web.Response(text="hello", headers={_apps.EXPOSED: "1"})


CASES: Final = (
    Case(ACTUAL, "allowed"),
    Case(ACTUAL, "no Origin", origin=None, granted=False),
    Case(ACTUAL, "refused", origin=_EVIL, granted=False),
    Case(ACTUAL, 'expose_headers="*"', path="/exposing", without=(HAND,)),
    Case(ACTUAL, "view", path="/view"),
    Case(ACTUAL, "static", path=f"/static/{STATIC_FILE.name}"),
    Case(ACTUAL, "non-CORS route", path="/plain", granted=False, without=(HAND,)),
    Case(PREFLIGHT, "granted", without=(EMPTY, NONE)),
    Case(PREFLIGHT, "granted, with hooks", hooked=True, without=(EMPTY, NONE)),
    Case(PREFLIGHT, "refused", origin=_EVIL, granted=False, without=(EMPTY, NONE)),
    Case(
        PREFLIGHT,
        "20 names",
        names=tuple(sorted(name.lower() for name in _apps.REQUEST_HEADERS[1:])),
        without=(EMPTY, NONE),
    ),
    Case(
        PREFLIGHT,
        "8 KB of names",
        names=tuple(f"x-{number:05}" for number in range(8_000 // 8)),
        granted=False,
        without=(EMPTY, NONE),
    ),
)

#: Who is measured at which size. What is written by hand for one origin stays that.
MEASURED: Final[dict[Size, tuple[str, ...]]] = {
    ONE: (OURS, HAND, OLD, EMPTY, NONE),
    ORIGINS: (OURS, OLD),
    ROUTES: (OURS, HAND, OLD),
    ONE_PATTERN: (OURS,),
    PATTERNS: (OURS,),
}


class Cell:
    """One request to one application, as often as wanted."""

    def __init__(
        self,
        key: Key,
        case: Case,
        app: web.Application,
        request: web.Request,
        clock: Callable[[], int],
    ) -> None:
        self.key = key
        self.title = case.title
        self._case = case
        self._clock = clock
        hooks = cast("Iterable[Hook]", app.on_response_prepare)
        self._hooks = tuple(hooks) if case.part == ACTUAL or case.hooked else ()
        self._request = request
        self._handler = request.match_info.handler

    async def run(self, count: int) -> int:
        """Process the request `count` times.

        :return: what the clock showed afterwards less what it showed before.
        """
        return await (self._actual(count) if self._case.part == ACTUAL else self._preflight(count))

    async def _actual(self, count: int) -> int:
        # A hook writes into a response, so each gets a fresh one, made off the clock.
        responses = [self._case.response() for _ in range(count)]
        hooks, request, clock = self._hooks, self._request, self._clock
        start = clock()
        for response in responses:
            for hook in hooks:
                await hook(request, response)
        return clock() - start

    async def _preflight(self, count: int) -> int:
        handler, hooks, request, clock = self._handler, self._hooks, self._request, self._clock
        start = clock()
        for _ in range(count):
            try:
                response = await handler(request)
                for hook in hooks:
                    await hook(request, response)
            except web.HTTPForbidden:  # noqa: PERF203  # one for each request
                pass
        return clock() - start

    async def check(self) -> None:
        """See to it that what is measured does what the case says."""
        response: Any = self._case.response()
        if self._case.part == PREFLIGHT:
            try:
                response = await self._handler(self._request)
            except web.HTTPForbidden as refusal:
                response = refusal
        for hook in self._hooks:
            await hook(self._request, response)
        granted = hdrs.ACCESS_CONTROL_ALLOW_ORIGIN in response.headers
        expected = self._case.granted and self.key.contender not in (EMPTY, NONE)
        if granted is not expected:
            raise RuntimeError(f"{self.key} answers wrongly: {dict(response.headers)}")


class Row:
    """The cells of one case, which are compared: they take turns that are as short as may be.

    A machine that others use has faster and slower moments. Short turns let all cells have their
    share of both.
    """

    def __init__(self, cells: list[Cell]) -> None:
        self._cells = cells
        self._count = _FEWEST

    async def fit(self) -> None:
        """Choose how often to process a request in one turn."""
        slowest = max((await self.measure()).values())
        self._count = max(_FEWEST, min(_MOST, round(_TURN / slowest)))

    async def measure(self) -> dict[Key, float]:
        """Let each cell have a turn.

        :return: microseconds for one request.
        """
        spent: dict[Key, float] = {}
        # Nobody is always the first, who finds the caches full of something else.
        self._cells.append(self._cells.pop(0))
        for cell in self._cells:
            await cell.run(_FEWEST)  # fills the caches
            spent[cell.key] = await cell.run(self._count) / self._count / 1_000
        return spent


async def make_cells(
    packages: Path,
    cases: Iterable[Case],
    sizes: Iterable[Size],
    clock: Callable[[], int] = time.thread_time_ns,
) -> list[Cell]:
    """Build everything that is measured; what is compared stands side by side.

    :param clock: the CPU time of this thread in nanoseconds, which others hardly lengthen.
    """
    modules = {name: _apps.library(name, packages) for name in _apps.CONTENDERS}
    apps = [
        (size, name, _apps.make_app(name, modules[name], size))
        for size in sizes
        for name in MEASURED[size]
    ]
    for _, _, app in apps:
        app.freeze()
    cells: list[Cell] = []
    for case in cases:
        for size, name, app in apps:
            if name not in case.without:
                request = await _routed(case.request(app, size), app)
                key = Key(case.part, case.name, size.name, name)
                cells.append(Cell(key, case, app, request, clock))
                await cells[-1].check()
    return cells


async def _routed(request: web.Request, app: web.Application) -> web.Request:
    match = await app.router.resolve(request)
    match.add_app(app)
    match.freeze()
    # What the server does; there is no public way.
    request._match_info = match  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return request


async def measure(
    packages: Path, cases: Iterable[Case], rounds: int, progress: Callable[[str], None]
) -> Figures:
    """Measure everything, a little of each in turn."""
    cells = await make_cells(packages, cases, MEASURED)
    rows = [Row([c for c in cells if c.title == title]) for title in {c.title: None for c in cells}]
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for row in rows:
            await row.fit()
        values: dict[Key, list[float]] = {cell.key: [] for cell in cells}
        for number in range(rounds):
            progress(f"in process: round {number + 1} of {rounds}")
            for row in rows:
                for key, value in (await row.measure()).items():
                    values[key].append(value)
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    return {key: Figure(tuple(those), UNIT) for key, those in values.items()}
