"""The CORS headers of actual responses."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsViewMixin, ResourceOptions
from tests._support import (
    ACAC,
    ACAO,
    ACEH,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    STATIC_FILE,
    cors_headers,
    hello,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from aiohttp.typedefs import Handler
    from pytest_aiohttp import AiohttpClient

    Config: TypeAlias = Mapping[str, ResourceOptions]
    Attach: TypeAlias = Callable[[web.Application, CorsConfig, Config], str]

FROM_ORIGIN = {hdrs.ORIGIN: ORIGIN}

# --- whom they are for ----------------------------------------------------------------------


def on_resource(app: web.Application, cors: CorsConfig, config: Config) -> str:
    cors.add(app.router.add_resource("/"), config).add_route("GET", hello)
    return "/"


def on_route(app: web.Application, cors: CorsConfig, config: Config) -> str:
    cors.add(app.router.add_get("/", hello), config)
    return "/"


def on_named(app: web.Application, cors: CorsConfig, config: Config) -> str:
    cors.add(app.router.add_get("/", hello, name="home"), config)
    return str(app.router["home"].url_for())


def on_dynamic(app: web.Application, cors: CorsConfig, config: Config) -> str:
    cors.add(app.router.add_get(r"/{year:\d+}/{name}", hello), config)
    return "/2015/cors"


def on_static(app: web.Application, cors: CorsConfig, config: Config) -> str:
    cors.add(app.router.add_static("/static", STATIC_DIR), config)
    return f"/static/{STATIC_FILE}"


def on_view(app: web.Application, cors: CorsConfig, config: Config) -> str:
    class Hello(CorsViewMixin, web.View):
        cors_config = config

        async def get(self) -> web.Response:
            return await hello(self.request)

    cors.add(app.router.add_view("/", Hello))
    return "/"


ATTACHED = [
    pytest.param(on_resource, id="resource"),
    pytest.param(on_route, id="route"),
    pytest.param(on_named, id="named"),
    pytest.param(on_dynamic, id="dynamic"),
    pytest.param(on_static, id="static"),
    pytest.param(on_view, id="view"),
]

PLAIN = ResourceOptions()
TRUSTED = ResourceOptions(allow_credentials=True, expose_headers=["X-One"])
TRUSTED_HEADERS = {ACAC: "true", ACEH: "X-One"}

CASES: list[Any] = [
    pytest.param({ORIGIN: PLAIN}, ORIGIN, {ACAO: ORIGIN}, id="allowed"),
    pytest.param({"*": PLAIN}, ORIGIN, {ACAO: ORIGIN}, id="star echoes the origin"),
    pytest.param({"*": PLAIN}, "null", {ACAO: "null"}, id="star echoes null"),
    pytest.param(
        {ORIGIN: TRUSTED}, ORIGIN, {ACAO: ORIGIN, **TRUSTED_HEADERS}, id="with credentials"
    ),
    pytest.param(
        {"*": TRUSTED}, OTHER, {ACAO: OTHER, **TRUSTED_HEADERS}, id="star with credentials"
    ),
    pytest.param({ORIGIN: TRUSTED, "*": PLAIN}, OTHER, {ACAO: OTHER}, id="less for the others"),
    pytest.param({ORIGIN: TRUSTED}, OTHER, {}, id="refused"),
    pytest.param({ORIGIN: TRUSTED}, ORIGIN.upper(), {}, id="refused in upper case"),
    pytest.param({ORIGIN: TRUSTED}, f"{ORIGIN}/", {}, id="refused with a slash"),
    pytest.param({ORIGIN: TRUSTED}, f"{ORIGIN}.evil", {}, id="refused with a longer name"),
    pytest.param({}, ORIGIN, {}, id="refused by an empty config"),
    pytest.param({"*": TRUSTED}, None, {}, id="no origin"),
]


@pytest.mark.parametrize("attach", ATTACHED)
@pytest.mark.parametrize(("config", "origin", "expected"), CASES)
async def test_the_response_comes_with_the_headers_its_origin_is_due(
    aiohttp_client: AiohttpClient,
    attach: Attach,
    config: Config,
    origin: str | None,
    expected: dict[str, str],
) -> None:
    app = web.Application()
    path = attach(app, aiohttp_cors.setup(app), config)
    client = await aiohttp_client(app)
    response = await client.get(path, headers={} if origin is None else {hdrs.ORIGIN: origin})
    # Refused or not, the server answers: it is the browser that keeps pages from reading.
    assert response.status == 200
    assert "hello" in await response.text()
    assert cors_headers(response) == expected


async def test_exposing_everything_names_a_header_of_the_handler(
    aiohttp_client: AiohttpClient,
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(headers={"X-One": "1", "Cache-Control": "no-store"})

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(expose_headers="*")})
    cors.add(app.router.add_get("/", handler))
    client = await aiohttp_client(app)
    exposed = cors_headers(await client.get("/", headers=FROM_ORIGIN))[ACEH].split(",")
    assert "X-One" in exposed
    assert not {"Cache-Control", "Content-Type"} & set(exposed)


async def test_several_exposed_headers_are_joined_by_commas(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    options = ResourceOptions(expose_headers=["X-Two", "X-One", "X-Three"])
    cors = aiohttp_cors.setup(app, defaults={"*": options})
    cors.add(app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    exposed = cors_headers(await client.get("/", headers=FROM_ORIGIN))[ACEH]
    assert sorted(exposed.split(",")) == ["X-One", "X-Three", "X-Two"]


# --- which responses they are on ------------------------------------------------------------


async def forbid(_request: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def miss(_request: web.Request) -> web.Response:
    raise web.HTTPNotFound


async def redirect(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def return_an_error(_request: web.Request) -> web.Response:
    return web.Response(status=418)


async def crash(_request: web.Request) -> web.Response:
    raise RuntimeError("a mistake of the application")


async def read(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"one, ")
    await response.write(b"two")
    await response.write_eof()
    return response


async def send_file(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC_DIR / STATIC_FILE)


async def return_json(_request: web.Request) -> web.Response:
    return web.json_response({"one": 1})


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A server that crashes on purpose need not tell."""
    caplog.set_level(logging.CRITICAL, logger="aiohttp.server")


HANDLERS = [
    (forbid, 403),
    (miss, 404),
    (redirect, 302),
    (return_an_error, 418),
    (crash, 500),
    (read, 413),
    (stream, 200),
    (send_file, 200),
    (return_json, 200),
]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("handler", "status"), HANDLERS, ids=[handler.__name__ for handler, _ in HANDLERS]
)
@pytest.mark.parametrize(
    ("origin", "expected"),
    [(ORIGIN, {ACAO: ORIGIN, **TRUSTED_HEADERS}), (OTHER, {}), (None, {})],
    ids=["allowed", "refused", "no origin"],
)
async def test_whatever_the_handler_does_the_headers_are_the_same(
    aiohttp_client: AiohttpClient,
    handler: Handler,
    status: int,
    origin: str | None,
    expected: dict[str, str],
) -> None:
    app = web.Application(client_max_size=1)
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_post("/", handler))
    client = await aiohttp_client(app)
    headers = {} if origin is None else {hdrs.ORIGIN: origin}
    response = await client.post("/", data=b"too long", headers=headers, allow_redirects=False)
    assert response.status == status
    assert cors_headers(response) == expected


@web.middleware
async def demand_a_login(request: web.Request, handler: Handler) -> web.StreamResponse:
    raise web.HTTPUnauthorized


@web.middleware
async def answer_unauthorized(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response(status=401)


@pytest.mark.parametrize("middleware", [demand_a_login, answer_unauthorized])
async def test_what_a_middleware_answers_in_front_of_the_handler_has_the_headers(
    aiohttp_client: AiohttpClient, middleware: Any
) -> None:
    app = web.Application(middlewares=[middleware])
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    response = await client.get("/", headers=FROM_ORIGIN)
    assert response.status == 401
    assert cors_headers(response) == {ACAO: ORIGIN, **TRUSTED_HEADERS}


async def test_a_middleware_that_makes_a_new_response_does_not_lose_the_headers(
    aiohttp_client: AiohttpClient,
) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return web.Response(text="another")

    app = web.Application(middlewares=[replace])
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    response = await client.get("/", headers=FROM_ORIGIN)
    assert await response.text() == "another"
    assert cors_headers(response) == {ACAO: ORIGIN, **TRUSTED_HEADERS}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        pytest.param(STATIC_FILE, {}, 200, id="whole"),
        pytest.param(STATIC_FILE, {"Range": "bytes=0-3"}, 206, id="range"),
        pytest.param(STATIC_FILE, {"Range": "bytes=9999999-"}, 416, id="wrong range"),
        pytest.param("missing", {}, 404, id="missing"),
        pytest.param("", {}, 403, id="directory"),
        pytest.param(
            STATIC_FILE,
            {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
            304,
            id="not modified",
        ),
    ],
)
async def test_whatever_becomes_of_a_static_file_the_headers_are_the_same(
    aiohttp_client: AiohttpClient, method: str, path: str, sent: dict[str, str], status: int
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_static("/static", STATIC_DIR))
    client = await aiohttp_client(app)
    response = await client.request(method, f"/static/{path}", headers={**FROM_ORIGIN, **sent})
    assert response.status == status
    assert cors_headers(response) == {ACAO: ORIGIN, **TRUSTED_HEADERS}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [(ORIGIN, {ACAO: ORIGIN, **TRUSTED_HEADERS}), (OTHER, {}), (None, {})],
    ids=["allowed", "refused", "no origin"],
)
async def test_the_handshake_of_a_websocket_has_the_headers(
    aiohttp_client: AiohttpClient, origin: str | None, expected: dict[str, str]
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_get("/", _greet_over_a_websocket))
    client = await aiohttp_client(app)
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    headers = handshake if origin is None else {**handshake, hdrs.ORIGIN: origin}
    async with client.get("/", headers=headers) as response:
        assert response.status == 101
        assert cors_headers(response) == expected


async def test_a_websocket_talks_as_ever(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: TRUSTED})
    cors.add(app.router.add_get("/", _greet_over_a_websocket))
    client = await aiohttp_client(app)
    async with client.ws_connect("/", origin=ORIGIN) as socket:
        assert await socket.receive_str() == "hello"


async def _greet_over_a_websocket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    await socket.close()
    return socket
