"""The application that is measured, with CORS by each of the contenders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web

import aiohttp_cors

from . import _reference

OURS: Final = "ours"
OLD: Final = _reference.VERSION
HAND: Final = "hand-written"
NONE: Final = "none"
EMPTY: Final = "empty hook"  # the least that any hook costs
CONTENDERS: Final = (OURS, HAND, OLD, EMPTY, NONE)

METHODS: Final = (hdrs.METH_GET, hdrs.METH_PUT)
EXPOSED: Final = "X-Total"
REQUEST_HEADERS: Final = ("Content-Type", *(f"X-Header-{number:02}" for number in range(20)))
OPTIONS: Final[dict[str, Any]] = {
    "allow_credentials": True,
    "expose_headers": (EXPOSED,),
    "allow_headers": REQUEST_HEADERS,
    "max_age": 600,
}

STATIC_FILE: Final = Path(__file__)


@dataclass(frozen=True)
class Size:
    """How much is configured."""

    name: str
    origins: int = 1
    routes: int = 1
    patterns: int = 0

    @property
    def origin(self) -> str:
        """An origin that is allowed, the last one written."""
        if self.patterns:
            return f"https://page.site{self.patterns}.example"
        return f"https://site{self.origins}.example"

    def keys(self) -> Iterator[str]:
        """What the config has as origins."""
        if self.patterns:
            yield from (f"https://*.site{number + 1}.example" for number in range(self.patterns))
        else:
            yield from (f"https://site{number + 1}.example" for number in range(self.origins))


ONE: Final = Size("one")
ONE_PATTERN: Final = Size("one pattern", patterns=1)
ORIGINS: Final = Size("1,000 origins", origins=1_000)
ROUTES: Final = Size("5,000 routes", routes=5_000)
PATTERNS: Final = Size("1,000 patterns", patterns=1_000)


def library(contender: str, packages: Path) -> Any:
    """The module of a contender that is a library, None for the others."""
    if contender == OURS:
        return aiohttp_cors
    return _reference.load(packages) if contender == OLD else None


async def hello(_request: web.Request) -> web.Response:
    """Serve what every route of the application serves."""
    return web.Response(text="hello", headers={EXPOSED: "1"})


class View(web.View):
    """The same as a view."""

    async def get(self) -> web.Response:
        """Serve what the routes serve."""
        return await hello(self.request)


def make_app(contender: str, module: Any, size: Size) -> web.Application:
    """Build the application.

    :param module: the contender's library, if it is one.
    """
    app = web.Application()
    thing = app.router.add_resource("/thing")
    entities: list[Any] = [thing.add_route(method, hello) for method in METHODS]
    view = View if module is None else type("CorsView", (View, module.CorsViewMixin), {})
    entities.append(app.router.add_view("/view", view))
    entities.append(app.router.add_static("/static", STATIC_FILE.parent))
    entities.extend(app.router.add_get(f"/filler{n}/thing", hello) for n in range(1, size.routes))
    exposing = app.router.add_get("/exposing", hello)
    app.router.add_get("/plain", hello)
    if module is not None:
        cors = module.setup(app)
        config = dict.fromkeys(size.keys(), module.ResourceOptions(**OPTIONS))
        for entity in entities:
            cors.add(entity, config)
        all_exposed = module.ResourceOptions(**{**OPTIONS, "expose_headers": "*"})
        cors.add(exposing, dict.fromkeys(config, all_exposed))
    elif contender == HAND:
        write_by_hand(app, thing, size.origin)
    elif contender == EMPTY:
        app.on_response_prepare.append(do_nothing)
    return app


async def do_nothing(_request: web.Request, _response: web.StreamResponse) -> None:
    """Take a response, and leave it as it is."""


def write_by_hand(app: web.Application, thing: web.Resource, allowed: str) -> None:
    """Let one origin at the application as somebody does who wants nothing more than that."""
    asks_for = frozenset(["", *(name.lower() for name in REQUEST_HEADERS)])
    vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    granted = {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: allowed,
        hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS: "true",
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(METHODS),
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join(REQUEST_HEADERS),
        hdrs.ACCESS_CONTROL_MAX_AGE: "600",
        hdrs.VARY: vary,
    }

    async def on_response_prepare(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        if hdrs.VARY not in headers:
            headers[hdrs.VARY] = "Origin"
        elif "origin" not in headers[hdrs.VARY].lower():
            headers[hdrs.VARY] += ", Origin"
        if request.headers.get(hdrs.ORIGIN) == allowed:
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = allowed
            headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED

    async def preflight(request: web.Request) -> web.Response:
        headers = request.headers
        names = headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "").split(",")
        if (
            headers.get(hdrs.ORIGIN) != allowed
            or headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD) not in METHODS
            or not asks_for.issuperset([name.strip().lower() for name in names])
        ):
            raise web.HTTPForbidden(headers={hdrs.VARY: vary})
        return web.Response(headers=granted)

    app.on_response_prepare.append(on_response_prepare)
    thing.add_route(hdrs.METH_OPTIONS, preflight)
