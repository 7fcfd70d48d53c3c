"""Names, metadata, `setup`, `CorsConfig` and what `add` takes."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import APP_CONFIG_KEY, CorsConfig, ResourceOptions
from tests._support import (
    ACAO,
    ORIGIN,
    STATIC_DIR,
    STATIC_FILE,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientResponse
    from pytest_aiohttp import AiohttpClient

EVERYONE = {"*": ResourceOptions()}


class OwnStatic(web.StaticResource):
    """Applications derive from it to set cache headers of their own."""


class OwnResource(web.PlainResource):
    """And from resources."""


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "aiohttp_cors",
            "APP_CONFIG_KEY CorsConfig CorsViewMixin ResourceOptions custom_cors setup",
        ),
        ("aiohttp_cors.abc", "AbstractRouterAdapter"),
        ("aiohttp_cors.cors_config", "CorsConfig"),
        ("aiohttp_cors.mixin", "CorsViewMixin custom_cors"),
        ("aiohttp_cors.preflight_handler", "_PreflightHandler"),
        ("aiohttp_cors.resource_options", "ResourceOptions"),
        ("aiohttp_cors.urldispatcher_router_adapter", "ResourcesUrlDispatcherRouterAdapter"),
    ],
)
def test_a_module_has_its_names(module: str, names: str) -> None:
    assert set(names.split()) <= set(dir(importlib.import_module(module)))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cors_config", "CorsConfig"),
        ("mixin", "CorsViewMixin"),
        ("mixin", "custom_cors"),
        ("resource_options", "ResourceOptions"),
    ],
)
def test_the_package_offers_the_very_objects_of_its_modules(module: str, name: str) -> None:
    inner = importlib.import_module(f"aiohttp_cors.{module}")
    assert getattr(aiohttp_cors, name) is getattr(inner, name)


def test_a_star_import_brings_what_a_server_needs() -> None:
    names: dict[str, Any] = {}
    exec("from aiohttp_cors import *", names)
    wanted = {"CorsConfig", "CorsViewMixin", "ResourceOptions", "custom_cors", "setup"}
    assert wanted <= set(names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("__title__", "aiohttp-cors"),
        ("__version__", "0.9.0"),
        ("__author__", "Vladimir Rutsky and aio-libs team"),
        ("__license__", "Apache License, Version 2.0"),
    ],
)
def test_the_metadata_says(name: str, value: str) -> None:
    assert getattr(aiohttp_cors, name) == value


METADATA = "title version author email summary uri license copyright"


@pytest.mark.parametrize("name", [f"__{word}__" for word in METADATA.split()])
def test_metadata_is_text_in_the_package_and_in_its_about_module(name: str) -> None:
    about = importlib.import_module("aiohttp_cors.__about__")
    value = getattr(aiohttp_cors, name)
    assert isinstance(value, str)
    assert value
    assert getattr(about, name) == value


# --- setup and CorsConfig ------------------------------------------------------------------


def test_setup_returns_the_config_it_stores_in_the_application() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    assert isinstance(cors, CorsConfig)
    assert app[APP_CONFIG_KEY] is cors


def test_the_key_of_the_config_is_an_app_key() -> None:
    assert isinstance(APP_CONFIG_KEY, web.AppKey)


def test_setup_takes_the_application_as_a_keyword() -> None:
    app = web.Application()
    assert aiohttp_cors.setup(app=app, defaults=EVERYONE) is app[APP_CONFIG_KEY]


@pytest.mark.parametrize("factory", [aiohttp_cors.setup, CorsConfig])
def test_defaults_are_passed_by_keyword_only(factory: Any) -> None:
    with pytest.raises(TypeError):
        factory(web.Application(), EVERYONE)


@pytest.mark.parametrize("factory", [aiohttp_cors.setup, CorsConfig])
def test_without_defaults_there_are_none(factory: Any) -> None:
    assert factory(web.Application()).defaults == {}
    assert factory(web.Application(), defaults=None).defaults == {}


def test_defaults_hold_options_also_where_a_dict_was_given() -> None:
    given: dict[str, Any] = {"*": {"allow_headers": ["x-one"]}, ORIGIN: ResourceOptions(max_age=5)}
    cors = aiohttp_cors.setup(web.Application(), defaults=given)
    assert cors.defaults == {
        "*": ResourceOptions(allow_headers=["x-one"]),
        ORIGIN: ResourceOptions(max_age=5),
    }


async def test_a_cors_config_serves_without_setup(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    CorsConfig(app, defaults=EVERYONE).add(app.router.add_get("/", hello))
    client = await aiohttp_client(app)
    assert cors_headers(await _get(client, "/")) == {ACAO: ORIGIN}
    assert (await preflight(client)).status == 200


async def test_setup_works_while_the_application_starts(aiohttp_client: AiohttpClient) -> None:
    async def enable_cors(app: web.Application) -> None:
        cors = aiohttp_cors.setup(app, defaults=EVERYONE)
        for route in list(app.router.routes()):
            cors.add(route)

    app = web.Application()
    app.router.add_get("/", hello)
    app.on_startup.append(enable_cors)
    client = await aiohttp_client(app)
    assert cors_headers(await _get(client, "/")) == {ACAO: ORIGIN}
    assert (await preflight(client)).status == 200


async def test_a_hook_appended_after_setup_finds_the_cors_headers_set(
    aiohttp_client: AiohttpClient,
) -> None:
    seen: list[tuple[str, bool]] = []

    async def early(_request: web.Request, response: web.StreamResponse) -> None:
        seen.append(("early", ACAO in response.headers))

    async def late(_request: web.Request, response: web.StreamResponse) -> None:
        seen.append(("late", ACAO in response.headers))

    app = web.Application()
    app.on_response_prepare.append(early)
    cors = aiohttp_cors.setup(app, defaults=EVERYONE)
    app.on_response_prepare.append(late)
    cors.add(app.router.add_get("/", hello))
    await _get(await aiohttp_client(app), "/")
    assert seen == [("early", False), ("late", True)]


async def test_a_hook_appended_after_setup_has_the_last_word(
    aiohttp_client: AiohttpClient,
) -> None:
    async def withdraw(_request: web.Request, response: web.StreamResponse) -> None:
        del response.headers[ACAO]

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=EVERYONE)
    app.on_response_prepare.append(withdraw)
    cors.add(app.router.add_get("/", hello))
    assert cors_headers(await _get(await aiohttp_client(app), "/")) == {}


# --- what add takes ------------------------------------------------------------------------


def _plain_resource(app: web.Application) -> Any:
    resource = app.router.add_resource("/")
    resource.add_route("GET", hello)
    return resource


def _named_resource(app: web.Application) -> Any:
    resource = app.router.add_resource("/", name="home")
    resource.add_route("GET", hello)
    return resource


def _dynamic_resource(app: web.Application) -> Any:
    resource = app.router.add_resource("/{tail:.*}")
    resource.add_route("GET", hello)
    return resource


def _own_resource(app: web.Application) -> Any:
    resource = OwnResource("/")
    app.router.register_resource(resource)
    resource.add_route("GET", hello)
    return resource


def _route(app: web.Application) -> Any:
    return app.router.add_get("/", hello)


def _route_of_a_table(app: web.Application) -> Any:
    return app.add_routes([web.get("/", hello, allow_head=False)])[0]


def _static(app: web.Application) -> Any:
    return app.router.add_static("/static", STATIC_DIR)


def _own_static(app: web.Application) -> Any:
    resource = OwnStatic("/static", STATIC_DIR)
    app.router.register_resource(resource)
    return resource


def _route_of_static(app: web.Application) -> Any:
    return next(iter(app.router.add_static("/static", STATIC_DIR)))


ENTITIES = [
    pytest.param(_plain_resource, "/", id="resource"),
    pytest.param(_named_resource, "/", id="named resource"),
    pytest.param(_dynamic_resource, "/any/where", id="dynamic resource"),
    pytest.param(_own_resource, "/", id="own kind of resource"),
    pytest.param(_route, "/", id="route"),
    pytest.param(_route_of_a_table, "/", id="route of a route table"),
    pytest.param(_static, f"/static/{STATIC_FILE}", id="static"),
    pytest.param(_own_static, f"/static/{STATIC_FILE}", id="own kind of static"),
    pytest.param(_route_of_static, f"/static/{STATIC_FILE}", id="route of static"),
]


@pytest.mark.parametrize(("make", "path"), ENTITIES)
async def test_add_enables_cors_for_it(aiohttp_client: AiohttpClient, make: Any, path: str) -> None:
    app = web.Application()
    aiohttp_cors.setup(app).add(make(app), {ORIGIN: ResourceOptions(allow_methods="*")})
    client = await aiohttp_client(app)
    assert cors_headers(await _get(client, path)) == {ACAO: ORIGIN}
    assert (await preflight(client, path)).status == 200


@pytest.mark.parametrize(("make", "path"), ENTITIES)
def test_add_returns_it(make: Any, path: str) -> None:
    app = web.Application()
    entity = make(app)
    assert aiohttp_cors.setup(app).add(entity) is entity


NO_ENTITIES: dict[str, Callable[[web.Application], object]] = {
    "str": lambda _app: "/",
    "None": lambda _app: None,
    "handler": lambda _app: hello,
    "router": lambda app: app.router,
    "route definition": lambda _app: web.get("/", hello),
    "list of routes": lambda app: [app.router.add_get("/", hello)],
    "resource of a sub-application": lambda app: app.add_subapp("/sub", web.Application()),
}


@pytest.mark.parametrize("make", NO_ENTITIES.values(), ids=NO_ENTITIES.keys())
def test_add_refuses_anything_else(make: Any) -> None:
    app = web.Application()
    cors: Any = aiohttp_cors.setup(app, defaults=EVERYONE)
    with pytest.raises(ValueError, match=r"\w"):
        cors.add(make(app))


@pytest.mark.parametrize("arguments", [{"webview": True}, {"config": None, "webview": True}])
def test_webview_is_deprecated_and_the_warning_shows_the_line_of_the_caller(
    arguments: dict[str, Any],
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    route = app.router.add_get("/", hello)
    with pytest.warns(DeprecationWarning, match="webview") as caught:
        assert cors.add(route, **arguments) is route
    assert [warning.filename for warning in caught] == [__file__]


def test_webview_is_the_third_argument() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    with pytest.warns(DeprecationWarning, match="webview"):
        cors.add(app.router.add_get("/", hello), None, True)


@pytest.mark.parametrize("make", [_plain_resource, _route, _static])
async def test_what_was_added_cannot_be_added_with_another_config_and_keeps_its_own(
    aiohttp_client: AiohttpClient, make: Any
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    entity = cors.add(make(app), {ORIGIN: ResourceOptions()})
    with pytest.raises(ValueError, match=r"\w"):
        cors.add(entity, {ORIGIN: ResourceOptions(allow_credentials=True)})
    path = f"/static/{STATIC_FILE}" if make is _static else "/"
    assert cors_headers(await _get(await aiohttp_client(app), path)) == {ACAO: ORIGIN}


def test_add_gives_no_name_to_a_route() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/plain", hello, name="plain"))
    cors.add(app.router.add_get("/dynamic/{key}", hello, name="dynamic"))
    cors.add(app.router.add_static("/static", STATIC_DIR, name="static"))
    cors.add(app.router.add_get("/nameless", hello))
    assert set(app.router) == {"plain", "dynamic", "static"}


# --- what a config is ----------------------------------------------------------------------

NO_CONFIGS = [
    pytest.param("*", id="str"),
    pytest.param([ORIGIN], id="list of origins"),
    pytest.param(ResourceOptions(), id="options without origin"),
    pytest.param({"origins": [ORIGIN], "allow_headers": "*"}, id="flat dict"),
    pytest.param({"*": "*"}, id="str for options"),
    pytest.param({"*": ["GET"]}, id="list for options"),
    pytest.param({"*": {"allow_everything": True}}, id="unknown option"),
    pytest.param({1: ResourceOptions()}, id="int for origin"),
    pytest.param({None: ResourceOptions()}, id="None for origin"),
    pytest.param({"*": {"max_age": -1}}, id="wrong value of an option"),
]


@pytest.mark.parametrize("config", NO_CONFIGS)
def test_what_is_no_config_is_refused_by_setup(config: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        aiohttp_cors.setup(web.Application(), defaults=config)


@pytest.mark.parametrize("config", NO_CONFIGS)
async def test_what_is_no_config_is_refused_by_add_which_changes_nothing(
    aiohttp_client: AiohttpClient, config: Any
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=EVERYONE)
    route = app.router.add_get("/", hello)
    with pytest.raises(ValueError, match=r"\w"):
        cors.add(route, config)
    client = await aiohttp_client(app)
    assert cors_headers(await _get(client, "/")) == {}
    assert (await preflight(client)).status == 405


@pytest.mark.parametrize(
    "origin", ["page.example", "localhost:8080", "https://page.example/", "null", "file://", "?"]
)
async def test_any_string_is_taken_for_an_origin_and_matched_as_it_stands(
    aiohttp_client: AiohttpClient, origin: str
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={origin: ResourceOptions()})
    cors.add(app.router.add_get("/default", hello))
    cors.add(app.router.add_get("/own", hello), {origin: ResourceOptions()})
    client = await aiohttp_client(app)
    for path in ("/default", "/own"):
        response = await client.get(path, headers={hdrs.ORIGIN: origin})
        assert cors_headers(response) == {ACAO: origin}
        assert cors_headers(await _get(client, path)) == {}


# --- loops over the router -----------------------------------------------------------------


def _router_with_a_bit_of_everything() -> web.Application:
    app = web.Application()
    app.router.add_get("/one", hello)
    app.router.add_post("/one", hello)
    app.router.add_delete("/two/{key}", hello, name="two")
    app.router.add_static("/static", STATIC_DIR)
    return app


PREFLIGHTS = [
    ("GET", "/one"),
    ("HEAD", "/one"),
    ("POST", "/one"),
    ("DELETE", "/two/x"),
    ("GET", f"/static/{STATIC_FILE}"),
    ("HEAD", f"/static/{STATIC_FILE}"),
]


@pytest.mark.parametrize("snapshot", [True, False], ids=["list()", "no list()"])
async def test_routes_can_be_added_while_the_router_is_iterated(
    aiohttp_client: AiohttpClient, snapshot: bool
) -> None:
    app = _router_with_a_bit_of_everything()
    cors = aiohttp_cors.setup(app, defaults=EVERYONE)
    for route in list(app.router.routes()) if snapshot else app.router.routes():
        cors.add(route)
    client = await aiohttp_client(app)
    for method, path in PREFLIGHTS:
        assert (await preflight(client, path, method=method)).status == 200


@pytest.mark.parametrize("snapshot", [True, False], ids=["list()", "no list()"])
async def test_resources_can_be_added_while_the_router_is_iterated(
    aiohttp_client: AiohttpClient, snapshot: bool
) -> None:
    app = _router_with_a_bit_of_everything()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods="*")})
    resources: Any = app.router.resources()
    for resource in list(resources) if snapshot else resources:
        cors.add(resource)
    client = await aiohttp_client(app)
    for method, path in PREFLIGHTS:
        assert (await preflight(client, path, method=method)).status == 200


async def _get(client: Any, path: str) -> ClientResponse:
    response: ClientResponse = await client.get(path, headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 200, re.sub(r"\s+", " ", await response.text())
    return response
