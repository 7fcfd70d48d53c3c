"""Router adapters: one written for 0.8.1, and the one for aiohttp's own router."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsViewMixin, ResourceOptions
from aiohttp_cors.abc import AbstractRouterAdapter
from aiohttp_cors.urldispatcher_router_adapter import ResourcesUrlDispatcherRouterAdapter
from tests._support import (
    ACAC,
    ACAM,
    ACAO,
    ACMA,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler
    from pytest_aiohttp import AiohttpClient

    from tests._support import Client

EVERYONE = {"*": ResourceOptions()}
FROM_ORIGIN = {hdrs.ORIGIN: ORIGIN}
FAILED = "CORS preflight request failed: "


# --- an adapter of the application's own ----------------------------------------------------


class Switchboard:
    """A router in miniature: one route of aiohttp, behind which names have methods.

    Its routing entities are pairs of a method and a name.
    """

    def __init__(self, app: web.Application) -> None:
        self.handlers: dict[tuple[str, str], Handler] = {}
        app.router.add_route("*", "/{name}", self.dispatch)

    def connect(self, method: str, name: str, handler: Handler) -> tuple[str, str]:
        self.handlers[method, name] = handler
        return method, name

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        handler = self.handlers.get((request.method, request.match_info["name"]))
        if handler is None:
            raise web.HTTPNotFound
        return await handler(request)


class SwitchboardAdapter(AbstractRouterAdapter):
    def __init__(self, board: Switchboard) -> None:
        self.board = board
        self.preflights: set[str] = set()
        self.configs: dict[str, dict[str, Mapping[str, ResourceOptions]]] = {}

    def add_preflight_handler(
        self, routing_entity: Any, handler: Handler, webview: bool = False
    ) -> None:
        _method, name = routing_entity
        if name in self.preflights:
            return
        if ("OPTIONS", name) in self.board.handlers:
            raise ValueError(f"{name} is connected already")
        self.board.connect("OPTIONS", name, handler)
        self.preflights.add(name)

    def is_preflight_request(self, request: web.Request) -> bool:
        return request.method == "OPTIONS" and request.match_info.get("name") in self.preflights

    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        return request.match_info.get("name") in self.configs

    def set_config_for_routing_entity(self, routing_entity: Any, config: Any) -> None:
        method, name = routing_entity
        self.configs.setdefault(name, {})[method] = config

    async def get_preflight_request_config(
        self, preflight_request: web.Request, origin: str, requested_method: str
    ) -> Any:
        return self.configs[preflight_request.match_info["name"]][requested_method]

    def get_non_preflight_request_config(self, request: web.Request) -> Any:
        return self.configs[request.match_info["name"]].get(request.method, {})


class NarrowAdapter(SwitchboardAdapter):
    """The library's own adapter had no `webview` argument, nor need others have it."""

    def add_preflight_handler(  # type: ignore[override] # see above
        self,
        routing_entity: Any,
        handler: Handler,
    ) -> None:
        super().add_preflight_handler(routing_entity, handler)


@pytest.fixture(params=[SwitchboardAdapter, NarrowAdapter])
def switched(request: pytest.FixtureRequest) -> web.Application:
    """GET, PUT and POST of /one, of which POST is not added; GET /two, which is not added."""
    app = web.Application()
    board = Switchboard(app)
    cors = CorsConfig(app, router_adapter=request.param(board))
    cors.add(board.connect("GET", "one", hello), {ORIGIN: ResourceOptions(max_age=1)})
    cors.add(board.connect("PUT", "one", hello), {"*": {"allow_credentials": True}})
    board.connect("POST", "one", hello)
    board.connect("GET", "two", hello)
    return app


@pytest.mark.parametrize(
    ("method", "origin", "expected"),
    [
        ("GET", ORIGIN, {ACAO: ORIGIN, ACAM: "GET", ACMA: "1"}),
        ("PUT", ORIGIN, {ACAO: ORIGIN, ACAM: "PUT", ACAC: "true"}),
        ("PUT", OTHER, {ACAO: OTHER, ACAM: "PUT", ACAC: "true"}),
    ],
)
async def test_an_own_adapter_grants_preflights(
    aiohttp_client: AiohttpClient,
    switched: web.Application,
    method: str,
    origin: str,
    expected: dict[str, str],
) -> None:
    client = await aiohttp_client(switched)
    response = await preflight(client, "/one", method=method, origin=origin)
    assert response.status == 200
    assert cors_headers(response) == expected


@pytest.mark.parametrize(
    ("method", "origin", "reason"),
    [
        ("GET", OTHER, f"origin '{OTHER}' is not allowed"),
        ("POST", ORIGIN, f"request method 'POST' is not allowed for '{ORIGIN}' origin"),
    ],
)
async def test_an_own_adapter_refuses_preflights(
    aiohttp_client: AiohttpClient, switched: web.Application, method: str, origin: str, reason: str
) -> None:
    client = await aiohttp_client(switched)
    response = await preflight(client, "/one", method=method, origin=origin)
    assert response.status == 403
    assert cors_headers(response) == {}
    assert await response.text() == FAILED + reason


@pytest.mark.parametrize(
    ("method", "path", "origin", "expected"),
    [
        ("GET", "/one", ORIGIN, {ACAO: ORIGIN}),
        ("GET", "/one", OTHER, {}),
        ("PUT", "/one", OTHER, {ACAO: OTHER, ACAC: "true"}),
        ("POST", "/one", ORIGIN, {}),
        ("GET", "/two", ORIGIN, {}),
    ],
)
async def test_an_own_adapter_finds_the_config_of_actual_requests(
    aiohttp_client: AiohttpClient,
    switched: web.Application,
    method: str,
    path: str,
    origin: str,
    expected: dict[str, str],
) -> None:
    client = await aiohttp_client(switched)
    response = await client.request(method, path, headers={hdrs.ORIGIN: origin})
    assert await response.text() == "hello"
    assert cors_headers(response) == expected


async def test_what_an_own_adapter_does_not_know_is_left_alone(
    aiohttp_client: AiohttpClient, switched: web.Application
) -> None:
    client = await aiohttp_client(switched)
    for response in (
        await client.get("/no/such/path", headers=FROM_ORIGIN),
        await client.get("/none", headers=FROM_ORIGIN),
        await preflight(client, "/two"),
    ):
        assert response.status == 404
        assert cors_headers(response) == {}


def test_an_own_adapter_takes_entities_of_its_own_kind_and_add_returns_them() -> None:
    app = web.Application()
    board = Switchboard(app)
    adapter = SwitchboardAdapter(board)
    cors: Any = CorsConfig(app, router_adapter=adapter)
    entity = board.connect("GET", "one", hello)
    assert cors.add(entity) is entity
    assert set(adapter.configs["one"]) == {"GET"}


def test_an_own_adapter_is_handed_options_also_where_a_dict_was_given() -> None:
    app = web.Application()
    board = Switchboard(app)
    adapter = SwitchboardAdapter(board)
    cors: Any = CorsConfig(app, router_adapter=adapter)
    cors.add(board.connect("GET", "one", hello), {"*": {"max_age": 5}})
    assert adapter.configs["one"]["GET"] == {"*": ResourceOptions(max_age=5)}


def test_what_an_own_adapter_refuses_is_refused_before_a_config_is_stored() -> None:
    app = web.Application()
    board = Switchboard(app)
    adapter = SwitchboardAdapter(board)
    cors: Any = CorsConfig(app, router_adapter=adapter)
    board.connect("OPTIONS", "one", hello)
    with pytest.raises(ValueError, match="one is connected already"):
        cors.add(board.connect("GET", "one", hello), EVERYONE)
    assert adapter.configs == {}


@pytest.mark.parametrize(
    "name",
    [
        "add_preflight_handler",
        "is_preflight_request",
        "is_cors_enabled_on_request",
        "set_config_for_routing_entity",
        "get_preflight_request_config",
        "get_non_preflight_request_config",
    ],
)
def test_an_adapter_has_to_have_all_six_methods(name: str) -> None:
    abstract = AbstractRouterAdapter.__dict__[name]
    incomplete: Any = type("Incomplete", (SwitchboardAdapter,), {name: abstract})
    with pytest.raises(TypeError, match=name):
        incomplete(Switchboard(web.Application()))


# --- the adapter for aiohttp's router -------------------------------------------------------


async def answer(_request: web.Request) -> web.Response:
    """A preflight handler that is told from the library's."""
    return web.Response(text="preflight")


class Page(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return await hello(self.request)


def adapter_of(app: web.Application, defaults: Mapping[str, ResourceOptions] | None = None) -> Any:
    return ResourcesUrlDispatcherRouterAdapter(app.router, defaults or {})


def test_the_adapter_takes_its_arguments_by_keyword_too() -> None:
    app = web.Application()
    assert ResourcesUrlDispatcherRouterAdapter(router=app.router, defaults=EVERYONE)


def test_the_adapter_is_an_abstract_router_adapter() -> None:
    assert issubclass(ResourcesUrlDispatcherRouterAdapter, AbstractRouterAdapter)


def test_the_adapter_of_a_config_can_be_reached() -> None:
    cors: Any = aiohttp_cors.setup(web.Application())
    assert isinstance(cors._cors_impl._router_adapter, ResourcesUrlDispatcherRouterAdapter)


def test_an_adapter_of_the_users_can_be_reached() -> None:
    app = web.Application()
    adapter = SwitchboardAdapter(Switchboard(app))
    cors: Any = CorsConfig(app, router_adapter=adapter)
    assert cors._cors_impl._router_adapter is adapter


@pytest.mark.parametrize("entity", ["resource", "route"])
async def test_a_preflight_handler_is_added_for_the_whole_resource(
    aiohttp_client: AiohttpClient, entity: str
) -> None:
    app = web.Application()
    adapter = adapter_of(app)
    route = app.router.add_get("/", hello)
    adapter.add_preflight_handler(route if entity == "route" else route.resource, answer)
    assert set(adapter._resources_with_preflight_handlers) == {route.resource}
    assert [route.method for route in adapter._preflight_routes] == ["OPTIONS"]
    assert adapter.is_cors_for_resource(route.resource)
    assert len(adapter._resource_config) == 0
    client = await aiohttp_client(app)
    assert await (await preflight(client)).text() == "preflight"


async def test_a_preflight_handler_is_added_for_static_files(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    adapter = adapter_of(app)
    resource = app.router.add_static("/static", STATIC_DIR)
    adapter.add_preflight_handler(resource, answer)
    assert set(adapter._resources_with_preflight_handlers) == {resource}
    assert [route.method for route in adapter._preflight_routes] == ["OPTIONS"]
    client = await aiohttp_client(app)
    assert await (await preflight(client, "/static/any")).text() == "preflight"


def test_a_preflight_handler_is_added_once() -> None:
    app = web.Application()
    adapter = adapter_of(app)
    route = app.router.add_get("/", hello, allow_head=False)
    adapter.add_preflight_handler(route, answer)
    adapter.add_preflight_handler(route, answer)
    adapter.add_preflight_handler(route.resource, answer)
    assert len(adapter._preflight_routes) == 1
    assert [r.method for r in app.router.routes()] == ["GET", "OPTIONS"]


def test_a_foreign_options_handler_is_not_replaced() -> None:
    app = web.Application()
    adapter = adapter_of(app)
    route = app.router.add_options("/", hello)
    with pytest.raises(ValueError, match="already has OPTIONS handler"):
        adapter.add_preflight_handler(route.resource, answer)
    assert len(adapter._preflight_routes) == 0
    assert not adapter.is_cors_for_resource(route.resource)


@pytest.mark.parametrize("name", ["add_preflight_handler", "set_config_for_routing_entity"])
@pytest.mark.parametrize("entity", ["/", None, hello], ids=["str", "None", "handler"])
def test_the_adapter_refuses_what_is_no_entity(name: str, entity: Any) -> None:
    adapter = adapter_of(web.Application())
    with pytest.raises(ValueError, match=r"\w"):
        getattr(adapter, name)(entity, {})


def test_the_adapter_remembers_configs_by_resource() -> None:
    app = web.Application()
    adapter = adapter_of(app)
    one = app.router.add_get("/one", hello, allow_head=False)
    two = app.router.add_resource("/two")
    adapter.set_config_for_routing_entity(one, EVERYONE)
    adapter.set_config_for_routing_entity(two, EVERYONE)
    assert set(adapter._resource_config) == {one.resource, two}


def test_a_config_knows_which_resources_are_cors_enabled() -> None:
    app = web.Application()
    cors: Any = aiohttp_cors.setup(app)
    added = cors.add(app.router.add_resource("/added"))
    other = app.router.add_resource("/other")
    by_route = cors.add(app.router.add_get("/by/route", hello)).resource
    by_view = cors.add(app.router.add_view("/by/view", Page)).resource
    static = cors.add(app.router.add_static("/static", STATIC_DIR))
    adapter = cors._cors_impl._router_adapter
    resources = (added, other, by_route, by_view, static)
    assert [adapter.is_cors_for_resource(r) for r in resources] == [True, False, True, True, True]


def test_whether_cors_is_enabled_depends_on_the_matched_resource_alone() -> None:
    # Tests of applications hand in requests of which nothing else is real.
    app = web.Application()
    cors: Any = aiohttp_cors.setup(app)
    added = cors.add(app.router.add_resource("/added"))
    other = app.router.add_resource("/other")
    adapter = cors._cors_impl._router_adapter

    def enabled(resource: Any) -> bool:
        route: Any = SimpleNamespace(resource=resource)
        request = SimpleNamespace(match_info=web.UrlMappingMatchInfo({}, route))
        return bool(adapter.is_cors_enabled_on_request(request))

    assert [enabled(added), enabled(other)] == [True, False]


async def test_the_adapter_answers_questions_on_real_requests(
    aiohttp_client: AiohttpClient,
) -> None:
    route_options = ResourceOptions(max_age=1)
    resource_options = ResourceOptions(max_age=2)
    default_options = ResourceOptions(max_age=3)
    app = web.Application()
    adapter = adapter_of(app, {"*": default_options})
    seen: list[Any] = []

    async def record(request: web.Request) -> web.Response:
        config = adapter.get_non_preflight_request_config(request)
        seen.append(adapter.is_preflight_request(request))
        seen.append(adapter.is_cors_enabled_on_request(request))
        seen.append(adapter._request_resource(request))
        seen.append([config[ORIGIN], config[OTHER], config["*"]])
        return web.Response()

    async def record_preflight(request: web.Request) -> web.Response:
        config = await adapter.get_preflight_request_config(request, ORIGIN, "GET")
        with pytest.raises(KeyError):
            await adapter.get_preflight_request_config(request, ORIGIN, "PUT")
        seen.append(adapter.is_preflight_request(request))
        seen.append(adapter.is_cors_enabled_on_request(request))
        seen.append(adapter._request_resource(request))
        seen.append([config[ORIGIN], config[OTHER], config["*"]])
        return web.Response()

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(adapter.is_preflight_request(request))
        seen.append(adapter.is_cors_enabled_on_request(request))
        return web.Response()

    resource = app.router.add_resource("/")
    route = resource.add_route("GET", record)
    for entity, config in (
        (resource, {ORIGIN: resource_options, OTHER: resource_options}),
        (route, {ORIGIN: route_options}),
    ):
        adapter.add_preflight_handler(entity, record_preflight)
        adapter.set_config_for_routing_entity(entity, config)
    app.router.add_get("/elsewhere", elsewhere)
    client = await aiohttp_client(app)
    for response in (
        await client.get("/", headers=FROM_ORIGIN),
        await preflight(client),
        await client.get("/elsewhere", headers=FROM_ORIGIN),
    ):
        assert response.status == 200
    layers = [route_options, resource_options, default_options]
    assert seen == [False, True, resource, layers, True, True, resource, layers, False, False]


async def test_a_config_can_be_given_the_adapter_it_would_have_made(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = CorsConfig(app, router_adapter=adapter_of(app, {ORIGIN: ResourceOptions(max_age=1)}))
    cors.add(app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    actual = cors_headers(await client.get("/", headers=FROM_ORIGIN))
    asked = cors_headers(await preflight(client))
    assert actual == {ACAO: ORIGIN}
    assert asked == {ACAO: ORIGIN, ACAM: "GET", ACMA: "1"}


# --- subclasses of it -----------------------------------------------------------------------


class HidesOnWednesdays(ResourcesUrlDispatcherRouterAdapter):
    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        return "wednesday" not in request.query and super().is_cors_enabled_on_request(request)


class TrustsOneMore(ResourcesUrlDispatcherRouterAdapter):
    def get_non_preflight_request_config(self, request: web.Request) -> Any:
        return {**super().get_non_preflight_request_config(request), OTHER: ResourceOptions()}


class AsksOneMore(ResourcesUrlDispatcherRouterAdapter):
    async def get_preflight_request_config(
        self, preflight_request: web.Request, origin: str, requested_method: str
    ) -> Any:
        if requested_method == "DELETE":
            raise KeyError(requested_method)
        found = await super().get_preflight_request_config(
            preflight_request, origin, requested_method
        )
        return {**found, OTHER: ResourceOptions(max_age=9)}


class CachesLonger(ResourcesUrlDispatcherRouterAdapter):
    def set_config_for_routing_entity(self, routing_entity: Any, config: Any) -> None:
        longer = {origin: ResourceOptions(max_age=99) for origin in config}
        super().set_config_for_routing_entity(routing_entity, longer)


class AnswersItself(ResourcesUrlDispatcherRouterAdapter):
    def add_preflight_handler(
        self, routing_entity: Any, handler: Any, webview: bool = False
    ) -> None:
        super().add_preflight_handler(routing_entity, answer)


class SeesPreflightsEverywhere(ResourcesUrlDispatcherRouterAdapter):
    def is_preflight_request(self, request: web.Request) -> bool:
        return "quiet" in request.query or super().is_preflight_request(request)


async def served_by(aiohttp_client: AiohttpClient, adapter: Any) -> Client:
    app = web.Application()
    cors = CorsConfig(app, router_adapter=adapter(app.router, {}))
    cors.add(app.router.add_get("/", hello), {ORIGIN: ResourceOptions()})
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    ("adapter", "path", "origin", "expected"),
    [
        (ResourcesUrlDispatcherRouterAdapter, "/", ORIGIN, {ACAO: ORIGIN}),
        (ResourcesUrlDispatcherRouterAdapter, "/", OTHER, {}),
        (HidesOnWednesdays, "/", ORIGIN, {ACAO: ORIGIN}),
        (HidesOnWednesdays, "/?wednesday", ORIGIN, {}),
        (SeesPreflightsEverywhere, "/", ORIGIN, {ACAO: ORIGIN}),
        (SeesPreflightsEverywhere, "/?quiet", ORIGIN, {}),
        (TrustsOneMore, "/", ORIGIN, {ACAO: ORIGIN}),
        (TrustsOneMore, "/", OTHER, {ACAO: OTHER}),
        (AsksOneMore, "/", OTHER, {}),
    ],
)
async def test_an_override_in_a_subclass_of_the_adapter_is_honoured_for_actual_requests(
    aiohttp_client: AiohttpClient, adapter: Any, path: str, origin: str, expected: dict[str, str]
) -> None:
    client = await served_by(aiohttp_client, adapter)
    response = await client.get(path, headers={hdrs.ORIGIN: origin})
    assert cors_headers(response) == expected


@pytest.mark.parametrize(
    ("adapter", "origin", "expected"),
    [
        (ResourcesUrlDispatcherRouterAdapter, ORIGIN, {ACAO: ORIGIN, ACAM: "GET"}),
        (ResourcesUrlDispatcherRouterAdapter, OTHER, {}),
        (AsksOneMore, ORIGIN, {ACAO: ORIGIN, ACAM: "GET"}),
        (AsksOneMore, OTHER, {ACAO: OTHER, ACAM: "GET", ACMA: "9"}),
        (TrustsOneMore, OTHER, {}),
        (CachesLonger, ORIGIN, {ACAO: ORIGIN, ACAM: "GET", ACMA: "99"}),
        (AnswersItself, ORIGIN, {}),
    ],
)
async def test_an_override_in_a_subclass_of_the_adapter_is_honoured_for_preflights(
    aiohttp_client: AiohttpClient, adapter: Any, origin: str, expected: dict[str, str]
) -> None:
    client = await served_by(aiohttp_client, adapter)
    assert cors_headers(await preflight(client, origin=origin)) == expected


async def test_a_subclass_of_the_adapter_refuses_a_method_by_key_error(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = CorsConfig(app, router_adapter=AsksOneMore(app.router, EVERYONE))
    cors.add(app.router.add_delete("/", hello))
    response = await preflight(await aiohttp_client(app), method="DELETE")
    assert response.status == 403
    assert await response.text() == (
        f"{FAILED}request method 'DELETE' is not allowed for '{ORIGIN}' origin"
    )
