"""Class-based views: the mixin, `cors_config`, `custom_cors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsViewMixin, ResourceOptions, custom_cors
from tests._support import (
    ACAM,
    ACAO,
    ACEH,
    ACMA,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_aiohttp import AiohttpClient

    from tests._support import Client

THIRD = "https://third.example"

# Options that tell in the headers where they were written.
OF_METHOD = ResourceOptions(max_age=1, expose_headers=["X-Method"])
OF_CLASS = ResourceOptions(max_age=2, expose_headers=["X-Class"])
OF_DEFAULTS = ResourceOptions(max_age=3, expose_headers=["X-Defaults"])

METHOD_CONFIG = {ORIGIN: OF_METHOD}
CLASS_CONFIG = {ORIGIN: OF_CLASS, OTHER: OF_CLASS}
DEFAULTS = {ORIGIN: OF_DEFAULTS, OTHER: OF_DEFAULTS, THIRD: OF_DEFAULTS}


class Bare(web.View):
    async def get(self) -> web.Response:
        return await hello(self.request)


class MixinFirst(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return await hello(self.request)

    async def put(self) -> web.Response:
        return await hello(self.request)


class MixinLast(web.View, CorsViewMixin):
    async def get(self) -> web.Response:
        return await hello(self.request)

    async def put(self) -> web.Response:
        return await hello(self.request)


class Configured(CorsViewMixin, web.View):
    cors_config = CLASS_CONFIG

    async def get(self) -> web.Response:
        return await hello(self.request)

    @custom_cors(METHOD_CONFIG)
    async def put(self) -> web.Response:
        return await hello(self.request)


async def serve(
    aiohttp_client: AiohttpClient,
    view: type[web.View],
    *,
    defaults: Mapping[str, ResourceOptions] | None = None,
) -> Client:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=defaults)
    cors.add(app.router.add_route("*", "/", view))
    return await aiohttp_client(app)


async def both(client: Client, method: str, origin: str) -> tuple[dict[str, str], dict[str, str]]:
    """The CORS headers of a preflight, and of the actual request it is for."""
    asked = await preflight(client, method=method, origin=origin)
    actual = await client.request(method, "/", headers={hdrs.ORIGIN: origin})
    return cors_headers(asked), cors_headers(actual)


def granted(
    origin: str, method: str, options: ResourceOptions
) -> tuple[dict[str, str], dict[str, str]]:
    """What `both` finds if `options` hold."""
    return (
        {ACAO: origin, ACAM: method, ACMA: str(options.max_age)},
        {ACAO: origin, ACEH: "".join(options.expose_headers)},
    )


# --- adding ---------------------------------------------------------------------------------


def add_route(app: web.Application, view: type[web.View]) -> Any:
    return app.router.add_route("*", "/", view)


def add_view(app: web.Application, view: type[web.View]) -> Any:
    return app.router.add_view("/", view)


def add_from_a_table(app: web.Application, view: type[web.View]) -> Any:
    return app.add_routes([web.view("/", view)])[0]


def add_resource(app: web.Application, view: type[web.View]) -> Any:
    resource = app.router.add_resource("/")
    resource.add_route("*", view)
    return resource


WAYS = [add_route, add_view, add_from_a_table, add_resource]


@pytest.mark.parametrize("way", WAYS)
def test_a_view_without_the_mixin_is_refused_and_the_mixin_named(
    way: Callable[[web.Application, type[web.View]], Any],
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    with pytest.raises(ValueError, match="CorsViewMixin"):
        cors.add(way(app, Bare))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("view", [MixinFirst, MixinLast])
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_view_answers_preflights_and_requests_of_each_of_its_methods(
    aiohttp_client: AiohttpClient,
    way: Callable[[web.Application, type[web.View]], Any],
    view: type[web.View],
    method: str,
) -> None:
    app = web.Application()
    aiohttp_cors.setup(app, defaults={ORIGIN: OF_DEFAULTS}).add(way(app, view))
    client = await aiohttp_client(app)
    assert await both(client, method, ORIGIN) == granted(ORIGIN, method, OF_DEFAULTS)
    assert await both(client, method, OTHER) == ({}, {})


@pytest.mark.parametrize("view", [MixinFirst, MixinLast])
async def test_views_can_be_added_with_the_old_webview_flag(
    aiohttp_client: AiohttpClient, view: type[web.View]
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: OF_DEFAULTS})
    with pytest.warns(DeprecationWarning, match="webview"):
        cors.add(app.router.add_route("*", "/", view), webview=True)
    assert await both(await aiohttp_client(app), "GET", ORIGIN) == granted(
        ORIGIN, "GET", OF_DEFAULTS
    )


async def test_views_among_other_routes_are_added_by_a_loop(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    app.router.add_view("/", MixinFirst)
    app.router.add_get("/function", hello)
    app.router.add_static("/static", STATIC_DIR)
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: OF_DEFAULTS})
    for route in list(app.router.routes()):
        cors.add(route)
    client = await aiohttp_client(app)
    assert await both(client, "GET", ORIGIN) == granted(ORIGIN, "GET", OF_DEFAULTS)
    assert (await preflight(client, "/function")).status == 200


async def test_one_view_serves_several_paths(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: OF_DEFAULTS})
    cors.add(app.router.add_view("/", MixinFirst))
    cors.add(app.router.add_view("/{key}", MixinFirst))
    client = await aiohttp_client(app)
    assert (await preflight(client, "/")).status == 200
    assert (await preflight(client, "/any")).status == 200


# --- whose config holds ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "origin", "options"),
    [
        pytest.param("PUT", ORIGIN, OF_METHOD, id="the method's over the class's"),
        pytest.param("PUT", OTHER, OF_CLASS, id="the class's over the defaults"),
        pytest.param("PUT", THIRD, OF_DEFAULTS, id="the defaults"),
        pytest.param("GET", ORIGIN, OF_CLASS, id="another method's is of no concern"),
    ],
)
async def test_the_config_of_the_method_comes_before_that_of_the_class_and_the_defaults(
    aiohttp_client: AiohttpClient, method: str, origin: str, options: ResourceOptions
) -> None:
    client = await serve(aiohttp_client, Configured, defaults=DEFAULTS)
    assert await both(client, method, origin) == granted(origin, method, options)


async def test_a_subclass_has_the_config_of_its_base_unless_it_has_its_own(
    aiohttp_client: AiohttpClient,
) -> None:
    class Inherits(Configured):
        pass

    class Overrides(Configured):
        cors_config = {OTHER: OF_DEFAULTS}  # noqa: RUF012 - as applications write it

    inherits = await serve(aiohttp_client, Inherits)
    overrides = await serve(aiohttp_client, Overrides)
    assert await both(inherits, "GET", ORIGIN) == granted(ORIGIN, "GET", OF_CLASS)
    assert await both(inherits, "PUT", ORIGIN) == granted(ORIGIN, "PUT", OF_METHOD)
    assert await both(overrides, "GET", ORIGIN) == ({}, {})
    assert await both(overrides, "GET", OTHER) == granted(OTHER, "GET", OF_DEFAULTS)
    assert await both(overrides, "PUT", ORIGIN) == granted(ORIGIN, "PUT", OF_METHOD)


def test_custom_cors_keeps_the_config_on_the_very_function() -> None:
    async def post(_view: web.View) -> web.Response:
        return web.Response()

    assert custom_cors(METHOD_CONFIG)(post) is post
    assert vars(post) == {"post_cors_config": METHOD_CONFIG}


def test_a_view_has_no_config_of_its_own_by_default() -> None:
    assert CorsViewMixin.cors_config is None


async def test_a_method_that_the_view_lacks_is_refused(aiohttp_client: AiohttpClient) -> None:
    client = await serve(aiohttp_client, MixinFirst, defaults=DEFAULTS)
    response = await preflight(client, method="DELETE")
    assert response.status == 403
    assert cors_headers(response) == {}
    assert await response.text() == (
        "CORS preflight request failed: "
        f"request method 'DELETE' is not allowed for '{ORIGIN}' origin"
    )


# --- what a view can override ---------------------------------------------------------------


async def test_an_override_of_get_request_config_decides_for_preflights_and_requests(
    aiohttp_client: AiohttpClient,
) -> None:
    calls: list[tuple[str, str]] = []

    class Own(CorsViewMixin, web.View):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> Any:
            calls.append((request.method, request_method))
            return {ORIGIN: OF_METHOD}

        async def put(self) -> web.Response:
            return web.Response()

    client = await serve(aiohttp_client, Own)
    assert await both(client, "PUT", ORIGIN) == granted(ORIGIN, "PUT", OF_METHOD)
    assert await both(client, "PUT", OTHER) == ({}, {})
    assert set(calls) == {("OPTIONS", "PUT"), ("PUT", "PUT")}


async def test_an_override_of_get_request_config_may_refuse_a_method_by_key_error(
    aiohttp_client: AiohttpClient,
) -> None:
    class Own(CorsViewMixin, web.View):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> Any:
            raise KeyError(request_method)

        async def put(self) -> web.Response:
            return web.Response()

    response = await preflight(await serve(aiohttp_client, Own), method="PUT")
    assert response.status == 403
    assert await response.text() == (
        f"CORS preflight request failed: request method 'PUT' is not allowed for '{ORIGIN}' origin"
    )


async def test_an_override_of_get_request_config_can_extend_what_it_inherits(
    aiohttp_client: AiohttpClient,
) -> None:
    class Extended(Configured):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> Any:
            inherited: Mapping[Any, Any] = super().get_request_config(request, request_method)
            return {**inherited, THIRD: OF_METHOD}

    client = await serve(aiohttp_client, Extended)
    assert await both(client, "GET", THIRD) == granted(THIRD, "GET", OF_METHOD)
    assert await both(client, "GET", OTHER) == granted(OTHER, "GET", OF_CLASS)


@pytest.mark.parametrize("method", ["PUT", "put"])
async def test_get_request_config_tells_the_options_of_each_origin(
    aiohttp_client: AiohttpClient, method: str
) -> None:
    found: list[Any] = []

    class Curious(Configured):
        async def get(self) -> web.Response:
            found.append(type(self).get_request_config(self.request, method))
            return web.Response()

    client = await serve(aiohttp_client, Curious, defaults=DEFAULTS)
    await client.get("/")
    expected = {ORIGIN: OF_METHOD, OTHER: OF_CLASS, THIRD: OF_DEFAULTS}
    assert [{origin: config[origin] for origin in config} for config in found] == [expected]


async def test_options_of_the_mixin_can_be_called_by_an_override(
    aiohttp_client: AiohttpClient,
) -> None:
    class Talkative(MixinFirst):
        async def options(self) -> Any:
            response = await super().options()
            response.headers["X-Seen"] = "yes"
            return response

    client = await serve(aiohttp_client, Talkative, defaults={ORIGIN: ResourceOptions()})
    response = await preflight(client)
    assert response.headers["X-Seen"] == "yes"
    assert cors_headers(response) == {ACAO: ORIGIN, ACAM: "GET"}
