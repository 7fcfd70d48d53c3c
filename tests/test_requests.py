"""One table: config and request in, status and the whole set of CORS headers out, over HTTP.

A row holds however the config is attached, unless it says where it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import web
from multidict import CIMultiDict

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions
from tests._support import (
    ACAC,
    ACAH,
    ACAM,
    ACAO,
    ACEH,
    ACMA,
    ACRH,
    ACRM,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    STATIC_FILE,
    VARY,
    cors_and_vary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from pytest_aiohttp import AiohttpClient

    Config: TypeAlias = Mapping[str, ResourceOptions]
    Attach: TypeAlias = Callable[[Config], tuple[web.Application, str]]


# --- how a config is attached ---------------------------------------------------------------
#
# Each serves GET and PUT, which are added, and where it can POST, which is not. Nothing serves
# DELETE.


async def handler(request: web.Request) -> web.Response:
    """Answers with the headers, and the status, that the query asks for."""
    headers = CIMultiDict(request.query)
    return web.Response(status=int(headers.pop("status", "200")), headers=headers)


def _routes(config: Config, *, where: str) -> tuple[web.Application, str]:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=config if where == "defaults" else None)
    resource = app.router.add_resource("/")
    if where == "resource":
        cors.add(resource, config)
    for route in (app.router.add_get("/", handler), app.router.add_put("/", handler)):
        cors.add(route, config if where == "route" else None)
    resource.add_route("POST", handler)
    return app, "/"


def to_the_route(config: Config) -> tuple[web.Application, str]:
    return _routes(config, where="route")


def to_the_resource(config: Config) -> tuple[web.Application, str]:
    return _routes(config, where="resource")


def to_the_defaults(config: Config) -> tuple[web.Application, str]:
    return _routes(config, where="defaults")


class View(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return await handler(self.request)

    async def put(self) -> web.Response:
        return await handler(self.request)


def to_the_route_of_a_view(config: Config) -> tuple[web.Application, str]:
    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_view("/", View), config)
    return app, "/"


def to_a_view(config: Config) -> tuple[web.Application, str]:
    class Configured(View):
        cors_config = config

    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_view("/", Configured))
    return app, "/"


def to_static_files(config: Config) -> tuple[web.Application, str]:
    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_static("/static", STATIC_DIR), config)
    return app, f"/static/{STATIC_FILE}"


ATTACHED: dict[str, Attach] = {
    "route": to_the_route,
    "resource": to_the_resource,
    "defaults": to_the_defaults,
    "view's route": to_the_route_of_a_view,
    "view": to_a_view,
    "static": to_static_files,
}
EVERYWHERE = tuple(ATTACHED)
VIEWS = ("view's route", "view")
SHARED = ("resource", "defaults")  # reach the routes that were not added, too
FUNCTIONS = ("route", *SHARED)
HANDLERS = (*FUNCTIONS, *VIEWS)


# --- what is sent, and what is expected -----------------------------------------------------


class Sent(NamedTuple):
    method: str
    headers: list[tuple[str, str]]
    query: str = ""


def actual(method: str = "GET", *, origin: str | None = ORIGIN, query: str = "") -> Sent:
    """An actual request."""
    return Sent(method, [] if origin is None else [("Origin", origin)], query)


def asks(*methods: str, origin: str | None = ORIGIN, headers: str | tuple[str, ...] = ()) -> Sent:
    """A preflight; each method and each text of headers makes a line of its own."""
    lines = (headers,) if isinstance(headers, str) else headers
    sent = [] if origin is None else [("Origin", origin)]
    sent += [(ACRM, method) for method in methods]
    sent += [(ACRH, line) for line in lines]
    return Sent("OPTIONS", sent)


class Row(NamedTuple):
    id: str
    config: Config
    sent: Sent
    status: int
    headers: dict[str, str]
    on: tuple[str, ...] = EVERYWHERE


NO_READER = {VARY: "Origin"}
REFUSED = {VARY: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}


def readable(more: Mapping[str, str] | None = None, *, origin: str = ORIGIN) -> dict[str, str]:
    """The headers of an actual response that `origin` may read."""
    return {ACAO: origin, **NO_READER, **(more or {})}


def granted(method: str = "GET", more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers of a preflight response that allows `method`."""
    return {ACAO: ORIGIN, ACAM: method, **REFUSED, **(more or {})}


PLAIN = ResourceOptions()
TRUSTED = ResourceOptions(
    allow_credentials=True,
    expose_headers=["X-Two", "X-One"],
    allow_headers=["X-Two", "x-one", "Content-Type"],
    max_age=600,
)
EXPOSES_ALL = ResourceOptions(expose_headers="*")
TAKES_ALL = ResourceOptions(allow_headers="*")


def allows(*methods: str) -> ResourceOptions:
    return ResourceOptions(allow_methods=methods)


ALL_METHODS = ResourceOptions(allow_methods="*")


# --- the table ------------------------------------------------------------------------------

WHO_MAY_READ = [
    Row("allowed", {ORIGIN: PLAIN}, actual(), 200, readable()),
    Row("star echoes the origin", {"*": PLAIN}, actual(), 200, readable()),
    Row("star echoes null", {"*": PLAIN}, actual(origin="null"), 200, readable(origin="null")),
    Row("null by name", {"null": PLAIN}, actual(origin="null"), 200, readable(origin="null")),
    Row(
        "credentials, and exposed headers in order",
        {ORIGIN: TRUSTED},
        actual(),
        200,
        readable({ACAC: "true", ACEH: "X-One,X-Two"}),
    ),
    Row(
        "star with credentials",
        {"*": TRUSTED},
        actual(origin=OTHER),
        200,
        readable({ACAC: "true", ACEH: "X-One,X-Two"}, origin=OTHER),
    ),
    Row(
        "the exact origin before the star",
        {"*": TRUSTED, ORIGIN: PLAIN},
        actual(),
        200,
        readable(),
    ),
    Row("another origin", {OTHER: TRUSTED}, actual(), 200, NO_READER),
    Row("upper case", {ORIGIN: TRUSTED}, actual(origin=ORIGIN.upper()), 200, NO_READER),
    Row("empty config", {}, actual(), 200, NO_READER),
    Row("no origin", {"*": TRUSTED}, actual(origin=None), 200, NO_READER),
    Row("empty origin", {"*": TRUSTED}, actual(origin=""), 200, NO_READER),
    Row("origin *", {"*": TRUSTED}, actual(origin="*"), 200, NO_READER),
    Row("two origins", {"*": TRUSTED}, actual(origin=f"{ORIGIN} {OTHER}"), 200, NO_READER),
    Row("list of origins", {"*": TRUSTED}, actual(origin=f"{ORIGIN},{OTHER}"), 200, NO_READER),
    Row("origin in other letters", {"*": TRUSTED}, actual(origin="https://ü.de"), 200, NO_READER),
]

WHAT_IS_EXPOSED = [
    Row(
        "all, in order",
        {ORIGIN: EXPOSES_ALL},
        actual(query="X-Two=2&X-One=1&x-three=3"),
        200,
        readable({ACEH: "Date,Server,X-One,X-Two,x-three"}),
        HANDLERS,
    ),
    Row(
        "all but what a page has anyway and what is not for pages",
        {ORIGIN: EXPOSES_ALL},
        actual(
            query="X-One=1&cache-control=no-store&Content-Language=en&Expires=0&Last-Modified=0"
            "&Pragma=x&Set-Cookie=a&Set-Cookie2=b&Keep-Alive=1&Access-Control-Max-Age=1"
        ),
        200,
        readable({ACEH: "Date,Server,X-One", ACMA: "1"}),
        HANDLERS,
    ),
    Row(
        "all of a file",
        {ORIGIN: EXPOSES_ALL},
        actual(),
        200,
        readable({ACEH: "Accept-Ranges,Date,Etag,Server"}),
        ("static",),
    ),
    Row("all, to nobody", {OTHER: EXPOSES_ALL}, actual(), 200, NO_READER),
]

WHAT_THE_HANDLER_SAYS = [
    Row(
        "an error",
        {ORIGIN: TRUSTED},
        actual(query="status=418"),
        418,
        readable({ACAC: "true", ACEH: "X-One,X-Two"}),
        HANDLERS,
    ),
    Row(
        "Vary is merged",
        {ORIGIN: PLAIN},
        actual(query="Vary=Accept"),
        200,
        readable({VARY: "Accept, Origin"}),
        HANDLERS,
    ),
    Row(
        "Vary is merged when refused",
        {OTHER: PLAIN},
        actual(query="Vary=Accept"),
        200,
        {VARY: "Accept, Origin"},
        HANDLERS,
    ),
    Row(
        "Vary has it already",
        {ORIGIN: PLAIN},
        actual(query="Vary=Accept,origin"),
        200,
        readable({VARY: "Accept,origin"}),
        HANDLERS,
    ),
    Row(
        "Vary is *",
        {ORIGIN: PLAIN},
        actual(query="Vary=*"),
        200,
        readable({VARY: "*"}),
        HANDLERS,
    ),
    Row(
        "an origin of its own is left alone",
        {ORIGIN: TRUSTED},
        actual(query=f"{ACAO}={OTHER}"),
        200,
        {ACAO: OTHER, VARY: "Origin"},
        HANDLERS,
    ),
    Row(
        "an origin of its own with all that goes with it",
        {ORIGIN: PLAIN},
        actual(query=f"{ACAO}=*&{ACAC}=true&{ACEH}=X-Own"),
        200,
        {ACAO: "*", ACAC: "true", ACEH: "X-Own", VARY: "Origin"},
        HANDLERS,
    ),
    Row(
        "credentials follow the policy",
        {ORIGIN: PLAIN},
        actual(query=f"{ACAC}=true"),
        200,
        readable(),
        HANDLERS,
    ),
    Row(
        "exposed headers of its own stay",
        {ORIGIN: TRUSTED},
        actual(query=f"{ACEH}=X-Own"),
        200,
        readable({ACAC: "true", ACEH: "X-Own"}),
        HANDLERS,
    ),
]

WHAT_A_PREFLIGHT_GRANTS = [
    Row("least", {ORIGIN: PLAIN}, asks("GET"), 200, granted()),
    Row("star", {"*": PLAIN}, asks("GET"), 200, granted()),
    Row(
        "credentials and max age",
        {ORIGIN: TRUSTED},
        asks("GET"),
        200,
        granted("GET", {ACAC: "true", ACMA: "600"}),
    ),
    Row(
        "headers in upper case, once, in order",
        {ORIGIN: TRUSTED},
        asks("GET", headers="x-two, ,x-ONE,\tx-one ,content-type"),
        200,
        granted("GET", {ACAC: "true", ACMA: "600", ACAH: "CONTENT-TYPE,X-ONE,X-TWO"}),
    ),
    Row(
        "headers on several lines",
        {ORIGIN: TAKES_ALL},
        asks("GET", headers=("x-two", "x-one,x-three")),
        200,
        granted("GET", {ACAH: "X-ONE,X-THREE,X-TWO"}),
    ),
    Row("empty headers", {ORIGIN: PLAIN}, asks("GET", headers=" , "), 200, granted()),
    Row("the method twice", {ORIGIN: PLAIN}, asks("GET", "GET"), 200, granted()),
]

WHAT_A_PREFLIGHT_REFUSES = [
    Row("another origin", {OTHER: TRUSTED}, asks("GET"), 403, REFUSED),
    Row("empty config", {}, asks("GET"), 403, REFUSED),
    Row("no origin", {"*": TRUSTED}, asks("GET", origin=None), 403, REFUSED),
    Row("empty origin", {"*": TRUSTED}, asks("GET", origin=""), 403, REFUSED),
    Row("origin *", {"*": TRUSTED}, asks("GET", origin="*"), 403, REFUSED),
    Row("two origins", {"*": TRUSTED}, asks("GET", origin=f"{ORIGIN} {OTHER}"), 403, REFUSED),
    Row("no method", {ORIGIN: TRUSTED}, asks(), 403, REFUSED),
    Row("empty method", {ORIGIN: ALL_METHODS}, asks(""), 403, REFUSED),
    Row("method that is no token", {ORIGIN: ALL_METHODS}, asks("G E T"), 403, REFUSED),
    Row("two methods", {ORIGIN: ALL_METHODS}, asks("GET", "PUT"), 403, REFUSED),
    Row("method in lower case", {ORIGIN: PLAIN}, asks("get"), 403, REFUSED),
    Row("header", {ORIGIN: TRUSTED}, asks("GET", headers="x-one, x-three"), 403, REFUSED),
    Row(
        "header on the second line",
        {ORIGIN: TRUSTED},
        asks("GET", headers=("x-one", "x-three")),
        403,
        REFUSED,
    ),
    Row("safelisted header", {ORIGIN: PLAIN}, asks("GET", headers="accept"), 403, REFUSED),
    Row("no token", {ORIGIN: TAKES_ALL}, asks("GET", headers="x-one, x two"), 403, REFUSED),
]

WHICH_METHODS_A_PREFLIGHT_GRANTS = [
    Row("PUT, which was added", {ORIGIN: PLAIN}, asks("PUT"), 200, granted("PUT"), HANDLERS),
    Row(
        "PUT, which was added, though allow_methods lacks it",
        {ORIGIN: allows("GET")},
        asks("PUT"),
        200,
        granted("PUT"),
        FUNCTIONS,
    ),
    Row(
        "PUT of a view, which allow_methods lacks",
        {ORIGIN: allows("GET")},
        asks("PUT"),
        403,
        REFUSED,
        VIEWS,
    ),
    Row("HEAD follows GET", {ORIGIN: PLAIN}, asks("HEAD"), 200, granted("HEAD"), FUNCTIONS),
    Row("HEAD of a file", {ORIGIN: PLAIN}, asks("HEAD"), 200, granted("HEAD"), ("static",)),
    Row("HEAD, which the view lacks", {ORIGIN: ALL_METHODS}, asks("HEAD"), 403, REFUSED, VIEWS),
    Row("POST, which was not added", {ORIGIN: PLAIN}, asks("POST"), 403, REFUSED),
    Row(
        "POST, which allow_methods lacks",
        {ORIGIN: allows("GET", "PUT")},
        asks("POST"),
        403,
        REFUSED,
    ),
    Row(
        "POST, which allow_methods has",
        {ORIGIN: allows("POST")},
        asks("POST"),
        200,
        granted("POST"),
        FUNCTIONS,
    ),
    Row(
        "POST, by star",
        {ORIGIN: ALL_METHODS},
        asks("POST"),
        200,
        granted("POST"),
        FUNCTIONS,
    ),
    Row("POST, which the view lacks", {ORIGIN: ALL_METHODS}, asks("POST"), 403, REFUSED, VIEWS),
    Row("DELETE, which nobody serves", {ORIGIN: PLAIN}, asks("DELETE"), 403, REFUSED),
    Row(
        "DELETE, which nobody serves, by star",
        {ORIGIN: ALL_METHODS},
        asks("DELETE"),
        200,
        granted("DELETE"),
        (*FUNCTIONS, "static"),
    ),
    Row(
        "POST of a file, by star",
        {ORIGIN: ALL_METHODS},
        asks("POST"),
        200,
        granted("POST"),
        ("static",),
    ),
    Row(
        "a method that is an attribute of every view",
        {ORIGIN: ALL_METHODS},
        asks("cors_config"),
        403,
        REFUSED,
        VIEWS,
    ),
]

WHICH_METHODS_CAN_BE_READ = [
    Row("PUT, which was added", {ORIGIN: PLAIN}, actual("PUT"), 200, readable(), HANDLERS),
    Row(
        "PUT, which was added, though allow_methods lacks it",
        {ORIGIN: allows("GET")},
        actual("PUT"),
        200,
        readable(),
        FUNCTIONS,
    ),
    Row(
        "PUT of a view, which allow_methods lacks",
        {ORIGIN: allows("GET")},
        actual("PUT"),
        200,
        NO_READER,
        VIEWS,
    ),
    Row("HEAD", {ORIGIN: PLAIN}, actual("HEAD"), 200, readable(), (*FUNCTIONS, "static")),
    Row("POST, which was not added", {ORIGIN: PLAIN}, actual("POST"), 200, readable(), SHARED),
    Row(
        "POST, which was not added, is not lent the config of a route",
        {ORIGIN: PLAIN},
        actual("POST"),
        200,
        NO_READER,
        ("route",),
    ),
    Row(
        "POST, which allow_methods lacks",
        {ORIGIN: allows("GET")},
        actual("POST"),
        200,
        NO_READER,
        FUNCTIONS,
    ),
    Row(
        "POST, which allow_methods has",
        {ORIGIN: allows("POST")},
        actual("POST"),
        200,
        readable(),
        FUNCTIONS,
    ),
    Row("POST, by star", {ORIGIN: ALL_METHODS}, actual("POST"), 200, readable(), FUNCTIONS),
    Row("POST, which the view lacks", {ORIGIN: PLAIN}, actual("POST"), 405, readable(), VIEWS),
    Row(
        "DELETE, which nobody serves, by star",
        {ORIGIN: ALL_METHODS},
        actual("DELETE"),
        405,
        readable(),
    ),
]

TABLE = {
    "who may read": WHO_MAY_READ,
    "what is exposed": WHAT_IS_EXPOSED,
    "what the handler says": WHAT_THE_HANDLER_SAYS,
    "what a preflight grants": WHAT_A_PREFLIGHT_GRANTS,
    "what a preflight refuses": WHAT_A_PREFLIGHT_REFUSES,
    "which methods a preflight grants": WHICH_METHODS_A_PREFLIGHT_GRANTS,
    "which methods can be read": WHICH_METHODS_CAN_BE_READ,
}

ROWS: list[Any] = [
    pytest.param(ATTACHED[name], row, id=f"{topic}: {row.id}: {name}")
    for topic, rows in TABLE.items()
    for row in rows
    for name in row.on
]


@pytest.mark.parametrize(("attach", "row"), ROWS)
async def test_a_response_has_its_status_and_exactly_its_cors_headers(
    aiohttp_client: AiohttpClient, attach: Attach, row: Row
) -> None:
    app, path = attach(row.config)
    client = await aiohttp_client(app)
    response = await client.request(
        row.sent.method,
        f"{path}?{row.sent.query}" if row.sent.query else path,
        headers=CIMultiDict(row.sent.headers),
    )
    assert response.status == row.status
    assert cors_and_vary(response) == row.headers
