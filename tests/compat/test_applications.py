"""Ways in which well-known applications use the library, in miniature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions
from tests._support import (
    ACAC,
    ACAH,
    ACAM,
    ACAO,
    ACEH,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    STATIC_FILE,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiohttp.typedefs import Handler
    from pytest_aiohttp import AiohttpClient

    from tests._support import Client

FROM_ORIGIN = {hdrs.ORIGIN: ORIGIN}
FROM_OTHER = {hdrs.ORIGIN: OTHER}

# What the examples on the web all start from.
ANYTHING_GOES = {
    "*": ResourceOptions(
        allow_credentials=True, expose_headers="*", allow_headers="*", allow_methods="*"
    )
}


async def readable(client: Client, path: str, *, method: str = "GET", origin: str = ORIGIN) -> bool:
    """Whether a page can read the answer to a request that needs a preflight."""
    asked = await preflight(client, path, method=method, origin=origin)
    actual = await client.request(method, path, headers={hdrs.ORIGIN: origin})
    grants = [cors_headers(response).get(ACAO) for response in (asked, actual)]
    assert grants[0] == grants[1]
    return asked.status == 200 and grants == [origin, origin]


# --- Home Assistant: some paths for everyone, the others for the origins in its settings ----

HEADERS = ["Origin", "Accept", "X-Requested-With", "Content-Type", "Authorization"]


class Home:
    """An application that goes on registering routes while it runs."""

    def __init__(self, origins: Iterable[str]) -> None:
        self.app = web.Application()
        self.options = ResourceOptions(allow_headers=HEADERS, allow_methods="*")
        self.cors = aiohttp_cors.setup(self.app, defaults=dict.fromkeys(origins, self.options))
        self.seen: set[str] = set()

    def allow(self, entity: Any, config: Any = None) -> None:
        resource: Any = entity.resource if isinstance(entity, web.AbstractRoute) else entity
        if resource.canonical not in self.seen:
            self.cors.add(entity, config)
            self.seen.add(resource.canonical)

    def register(self, path: str, methods: Sequence[str], *, public: bool = False) -> None:
        config = {"*": self.options} if public else None
        for route in [self.app.router.add_route(method, path, hello) for method in methods]:
            self.allow(route, config)

    def keep_the_router_open(self) -> None:
        # It takes on integrations at any time, and turns the freezing of its router off.
        self.app.router.freeze = lambda: None  # type: ignore[method-assign] # as it does


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("public", [True, False])
async def test_home_one_route_added_per_path_lets_pages_use_all_its_methods(
    aiohttp_client: AiohttpClient, method: str, public: bool
) -> None:
    home = Home([ORIGIN])
    home.register("/api/thing", ["GET", "POST", "DELETE"], public=public)
    client = await aiohttp_client(home.app)
    assert await readable(client, "/api/thing", method=method, origin=ORIGIN)
    assert await readable(client, "/api/thing", method=method, origin=OTHER) is public


async def test_home_a_preflight_is_told_its_header_in_upper_case(
    aiohttp_client: AiohttpClient,
) -> None:
    home = Home([ORIGIN])
    home.register("/", ["GET"])
    client = await aiohttp_client(home.app)
    response = await preflight(client, headers="x-requested-with")
    assert response.status == 200
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "GET", ACAH: "X-REQUESTED-WITH"}


@pytest.mark.parametrize("name", HEADERS)
async def test_home_each_of_its_headers_is_granted(
    aiohttp_client: AiohttpClient, name: str
) -> None:
    home = Home([])
    home.register("/", ["POST"], public=True)
    client = await aiohttp_client(home.app)
    response = await preflight(client, method="POST", headers=name.lower())
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "POST", ACAH: name.upper()}


async def test_home_without_settings_only_public_paths_are_open(
    aiohttp_client: AiohttpClient,
) -> None:
    home = Home([])
    home.register("/public", ["GET"], public=True)
    home.register("/", ["GET"])
    client = await aiohttp_client(home.app)
    assert await readable(client, "/public")
    assert not await readable(client, "/")


async def test_home_static_paths_are_added_as_resources(aiohttp_client: AiohttpClient) -> None:
    home = Home([ORIGIN])
    home.allow(home.app.router.add_static("/local", STATIC_DIR))
    client = await aiohttp_client(home.app)
    assert await readable(client, f"/local/{STATIC_FILE}")
    assert not await readable(client, f"/local/{STATIC_FILE}", origin=OTHER)


async def test_home_routes_can_be_added_after_the_start(aiohttp_client: AiohttpClient) -> None:
    home = Home([ORIGIN])
    home.register("/before", ["GET"])
    home.keep_the_router_open()
    client = await aiohttp_client(home.app)
    assert await readable(client, "/before")
    home.register("/after", ["GET", "POST"])
    home.register("/after/{key}", ["GET"], public=True)
    home.allow(home.app.router.add_static("/local", STATIC_DIR))
    assert await readable(client, "/after", method="POST")
    assert await readable(client, "/after/any", origin=OTHER)
    assert await readable(client, f"/local/{STATIC_FILE}")


async def test_home_a_path_registered_again_is_left_as_it_is(
    aiohttp_client: AiohttpClient,
) -> None:
    home = Home([ORIGIN])
    home.register("/twice", ["GET"])
    home.register("/between", ["GET"])
    home.register("/twice", ["GET"])
    assert await readable(await aiohttp_client(home.app), "/twice")


async def test_a_route_of_a_known_resource_can_be_added_while_the_router_is_frozen(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: ResourceOptions()})
    resource = cors.add(app.router.add_resource("/"))
    client = await aiohttp_client(app)
    cors.add(resource.add_route("PUT", hello))
    assert await readable(client, "/", method="PUT")


# --- everything, by a loop at the end: dashboards, admin servers, agents --------------------


class Status(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return await hello(self.request)


async def chat(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    await socket.close()
    return socket


def dashboard() -> web.Application:
    app = web.Application()
    table = web.RouteTableDef()
    table.get("/table")(hello)
    table.post("/table")(hello)
    app.add_routes(table)
    app.router.add_get("/", hello, name="index")
    app.router.add_route("PUT", "/items/{key}", hello)
    app.router.add_view("/status", Status)
    app.router.add_get("/chat", chat)
    app.router.add_static("/static", STATIC_DIR)
    return app


def add_all(app: web.Application) -> None:
    cors = aiohttp_cors.setup(app, defaults=ANYTHING_GOES)
    for route in list(app.router.routes()):
        cors.add(route)


def add_all_but_static(app: web.Application) -> None:
    cors = aiohttp_cors.setup(app, defaults=ANYTHING_GOES)
    for route in list(app.router.routes()):
        if not isinstance(route.resource, web.StaticResource):
            cors.add(route)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/table"),
        ("POST", "/table"),
        ("PUT", "/items/x"),
        ("GET", "/status"),
        ("GET", f"/static/{STATIC_FILE}"),
        ("HEAD", f"/static/{STATIC_FILE}"),
    ],
)
async def test_a_loop_over_all_routes_makes_everything_readable(
    aiohttp_client: AiohttpClient, method: str, path: str
) -> None:
    app = dashboard()
    add_all(app)
    assert await readable(await aiohttp_client(app), path, method=method)


async def test_a_loop_may_leave_static_files_out(aiohttp_client: AiohttpClient) -> None:
    app = dashboard()
    add_all_but_static(app)
    client = await aiohttp_client(app)
    assert await readable(client, "/table", method="POST")
    assert not await readable(client, f"/static/{STATIC_FILE}")


async def test_a_websocket_among_all_routes_works(aiohttp_client: AiohttpClient) -> None:
    app = dashboard()
    add_all(app)
    client = await aiohttp_client(app)
    async with client.ws_connect("/chat", origin=ORIGIN) as socket:
        assert await socket.receive_str() == "hello"


async def test_names_and_urls_of_routes_are_as_before(aiohttp_client: AiohttpClient) -> None:
    app = dashboard()
    add_all(app)
    await aiohttp_client(app)
    assert str(app.router["index"].url_for()) == "/"
    assert set(app.router) == {"index"}


async def test_the_most_generous_options_grant_what_the_page_asks_for(
    aiohttp_client: AiohttpClient,
) -> None:
    app = dashboard()
    add_all(app)
    client = await aiohttp_client(app)
    asked = await preflight(client, "/table", method="POST", headers="content-type,x-token")
    actual = await client.post("/table", headers=FROM_ORIGIN)
    assert asked.status == 200
    granted = cors_headers(asked)
    assert sorted(granted.pop(ACAH).split(",")) == ["CONTENT-TYPE", "X-TOKEN"]
    assert granted == {ACAO: ORIGIN, ACAM: "POST", ACAC: "true"}
    assert {ACAO, ACAC} <= set(cors_headers(actual)) <= {ACAO, ACAC, ACEH}


async def test_a_loop_can_pass_over_paths_that_answer_options_themselves(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    for method in ("GET", "POST", "OPTIONS"):  # as Socket.IO servers attach themselves
        app.router.add_route(method, "/socket.io/", hello)
    app.router.add_get("/", hello)
    cors = aiohttp_cors.setup(app, defaults=ANYTHING_GOES)
    passed_over = 0
    for route in list(app.router.routes()):
        try:
            cors.add(route)
        except ValueError as error:  # noqa: PERF203 - as applications write it
            if "already has OPTIONS handler" not in str(error):
                raise
            passed_over += 1
    client = await aiohttp_client(app)
    assert passed_over == 3
    assert await readable(client, "/")
    own = await preflight(client, "/socket.io/")
    assert (await own.text(), cors_headers(own)) == ("hello", {})


async def test_routes_of_a_sub_application_are_found_by_the_loop_too(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    inner = web.Application()
    inner.router.add_post("/deep", hello)
    app.router.add_get("/", hello)
    app.add_subapp("/inner", inner)
    add_all(app)
    client = await aiohttp_client(app)
    assert await readable(client, "/")
    assert await readable(client, "/inner/deep", method="POST")


# --- backend.ai: sub-applications, each with a config of its own ----------------------------


def manager_part(options: Any) -> web.Application:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=options)
    root = cors.add(app.router.add_resource(""))
    cors.add(root.add_route("GET", hello))
    cors.add(root.add_route("POST", hello))
    item = cors.add(app.router.add_resource("/{id}"))
    cors.add(item.add_route("DELETE", hello))
    cors.add(app.router.add_route("PATCH", "/{id}/name", hello))
    return app


@pytest.fixture
def manager() -> web.Application:
    app = web.Application()
    root = aiohttp_cors.setup(
        app, defaults={"*": ResourceOptions(expose_headers="*", allow_headers="*")}
    )
    root.add(app.router.add_get("/", hello))
    app.add_subapp("/open", manager_part({"*": ResourceOptions(allow_headers="*")}))
    app.add_subapp("/closed", manager_part({OTHER: ResourceOptions(allow_headers="*")}))
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("DELETE", "/7"), ("PATCH", "/7/name")],
)
async def test_each_sub_application_follows_its_own_config(
    aiohttp_client: AiohttpClient, manager: web.Application, method: str, path: str
) -> None:
    client = await aiohttp_client(manager)
    assert await readable(client, "/")
    assert await readable(client, f"/open{path}", method=method)
    assert not await readable(client, f"/closed{path}", method=method)
    assert await readable(client, f"/closed{path}", method=method, origin=OTHER)


async def test_the_config_of_the_root_leaves_sub_applications_alone(
    aiohttp_client: AiohttpClient, manager: web.Application
) -> None:
    client = await aiohttp_client(manager)
    assert cors_headers(await client.get("/open", headers=FROM_ORIGIN)) == {ACAO: ORIGIN}
    assert cors_headers(await client.get("/closed", headers=FROM_ORIGIN)) == {}


# --- Faust: each page on its four methods, each with the options of the page -----------------


async def test_pages_are_added_method_by_method_with_the_same_options(
    aiohttp_client: AiohttpClient,
) -> None:
    options = {ORIGIN: ResourceOptions(allow_credentials=True, allow_headers="*")}
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    for method in ("GET", "PUT", "POST", "DELETE"):
        cors.add(app.router.add_route(method, "/page/", hello), dict(options))
    for method in ("GET", "PUT", "POST", "DELETE"):
        app.router.add_route(method, "/internal/", hello)
    client = await aiohttp_client(app)
    for method in ("GET", "PUT", "POST", "DELETE"):
        assert await readable(client, "/page/", method=method)
        assert not await readable(client, "/page/", method=method, origin=OTHER)
        assert not await readable(client, "/internal/", method=method)
    assert not await readable(client, "/page/", method="PATCH")


# --- GNS3: a table of handlers, a list of origins --------------------------------------------


async def test_a_table_of_handlers_is_added_for_a_list_of_origins(
    aiohttp_client: AiohttpClient,
) -> None:
    origins = ["http://127.0.0.1:8080", "http://localhost:8080", "https://ui.example"]
    options = ResourceOptions(expose_headers="*", allow_headers="*")
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=dict.fromkeys(origins, options))
    table = [
        ("GET", r"/v2/projects", hello),
        ("POST", r"/v2/projects", hello),
        ("GET", r"/v2/projects/{id}", hello),
        ("DELETE", r"/v2/projects/{id}", hello),
        ("GET", r"/v2/files/{path:.+}", hello),
    ]
    for method, path, handler in table:
        cors.add(app.router.add_route(method, path, handler))
    client = await aiohttp_client(app)
    for origin in origins:
        assert await readable(client, "/v2/projects", method="POST", origin=origin)
        assert await readable(client, "/v2/projects/1", method="DELETE", origin=origin)
        assert await readable(client, "/v2/files/a/b.txt", origin=origin)
    assert not await readable(client, "/v2/projects", origin="http://localhost:8081")
    assert not await readable(client, "/v2/projects", method="DELETE", origin=origins[0])


# --- a small API as the documentation has it -------------------------------------------------


def with_options(app: web.Application) -> None:
    cors = aiohttp_cors.setup(app)
    resource = cors.add(app.router.add_resource("/hello"))
    cors.add(
        resource.add_route("GET", _reveal),
        {
            ORIGIN: ResourceOptions(
                allow_credentials=True,
                expose_headers=("X-Secret",),
                allow_headers=("X-Token",),
                max_age=3600,
            )
        },
    )


def with_dicts(app: web.Application) -> None:
    cors = aiohttp_cors.setup(app)
    resource = cors.add(app.router.add_resource("/hello"))
    cors.add(
        resource.add_route("GET", _reveal),
        {
            ORIGIN: {
                "allow_credentials": True,
                "expose_headers": ["X-Secret"],
                "allow_headers": ["X-Token"],
                "max_age": 3600,
            }
        },
    )


async def _reveal(_request: web.Request) -> web.Response:
    return web.Response(headers={"X-Secret": "1"})


@pytest.mark.parametrize("enable", [with_options, with_dicts])
async def test_a_resource_and_its_route_with_options_for_one_page(
    aiohttp_client: AiohttpClient, enable: Callable[[web.Application], None]
) -> None:
    app = web.Application()
    enable(app)
    client = await aiohttp_client(app)
    actual = await client.get("/hello", headers=FROM_ORIGIN)
    asked = await preflight(client, "/hello", headers="x-token")
    assert cors_headers(actual) == {ACAO: ORIGIN, ACAC: "true", ACEH: "X-Secret"}
    assert cors_headers(asked) == {
        ACAO: ORIGIN,
        ACAC: "true",
        ACAM: "GET",
        ACAH: "X-TOKEN",
        "Access-Control-Max-Age": "3600",
    }
    assert cors_headers(await client.get("/hello", headers=FROM_OTHER)) == {}
    assert cors_headers(await preflight(client, "/hello", origin=OTHER)) == {}


# --- authentication and logging around it ----------------------------------------------------


async def test_a_middleware_that_lets_options_through_is_enough_for_authentication(
    aiohttp_client: AiohttpClient,
) -> None:
    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "OPTIONS" and "Authorization" not in request.headers:
            raise web.HTTPUnauthorized
        return await handler(request)

    app = dashboard()
    app.middlewares.append(authenticate)
    add_all(app)
    client = await aiohttp_client(app)
    asked = await preflight(client, headers="authorization")
    denied = await client.get("/", headers=FROM_ORIGIN)
    welcome = await client.get("/", headers={**FROM_ORIGIN, "Authorization": "Bearer x"})
    assert [response.status for response in (asked, denied, welcome)] == [200, 401, 200]
    assert [cors_headers(r).get(ACAO) for r in (asked, denied, welcome)] == [ORIGIN] * 3


async def test_a_middleware_can_see_which_route_a_preflight_matched(
    aiohttp_client: AiohttpClient,
) -> None:
    seen: list[tuple[str, str]] = []

    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        seen.append((request.method, "" if resource is None else resource.canonical))
        return await handler(request)

    app = dashboard()
    app.middlewares.append(log)
    add_all(app)
    await preflight(await aiohttp_client(app), "/items/x", method="PUT")
    assert seen == [("OPTIONS", "/items/{key}")]
