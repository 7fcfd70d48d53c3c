# pyright: reportPrivateUsage=false
"""Adapters, resources, views, resolvers and handlers of somebody's own that do what none should."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsViewMixin, ResourceOptions
from aiohttp_cors.preflight_handler import _PreflightHandler
from aiohttp_cors.urldispatcher_router_adapter import ResourcesUrlDispatcherRouterAdapter
from tests._support import (
    ACAC,
    ACAM,
    ACAO,
    ACEH,
    ACRM,
    ORIGIN,
    OTHER,
    VARY,
    cors_and_vary,
    cors_headers,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse
    from pytest_aiohttp.plugin import AiohttpClient

    from tests._support import Client

ALLOWED = {ORIGIN: ResourceOptions(allow_credentials=True)}
FROM_PAGE = {hdrs.ORIGIN: ORIGIN}


async def reason(response: ClientResponse) -> str:
    """Why a preflight was refused."""
    assert (response.status, cors_headers(response)) == (403, {})
    return (await response.text()).removeprefix("CORS preflight request failed: ")


# --- adapters ---------------------------------------------------------------------------------


class Failing(ResourcesUrlDispatcherRouterAdapter):
    """Knows everything, until it is asked."""

    def get_non_preflight_request_config(self, request: web.Request) -> Mapping[Any, Any]:
        raise ArithmeticError

    async def get_preflight_request_config(
        self, preflight_request: web.Request, origin: str, requested_method: str
    ) -> Mapping[Any, Any]:
        raise ArithmeticError


class Claiming(ResourcesUrlDispatcherRouterAdapter):
    """Says that CORS is enabled everywhere."""

    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        return True


class Denying(ResourcesUrlDispatcherRouterAdapter):
    """Says that CORS is enabled nowhere."""

    def is_cors_enabled_on_request(self, request: web.Request) -> bool:
        return False


async def adapted(
    aiohttp_client: AiohttpClient, kind: type[ResourcesUrlDispatcherRouterAdapter]
) -> tuple[Client, CorsConfig]:
    """GET of / is added, GET of /not is not."""
    app = web.Application()
    cors = CorsConfig(app, router_adapter=kind(app.router, {}))

    async def allowed(request: web.Request) -> web.Response:
        return web.Response(text=str(cors.is_allowed(request)))

    cors.add(app.router.add_get("/", allowed), ALLOWED)
    app.router.add_get("/not", allowed)
    return await aiohttp_client(app), cors


async def test_an_adapter_that_raises_refuses_and_loses_nothing(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = await adapted(aiohttp_client, Failing)
    response = await client.get("/", headers=FROM_PAGE)
    assert (response.status, await response.text()) == (200, "False")
    assert cors_and_vary(response) == {}
    assert "the response gets no CORS headers" in caplog.text
    refused = await preflight(client)
    assert await reason(refused) == f"request method 'GET' is not allowed for '{ORIGIN}' origin"
    assert "the preflight is refused" in caplog.text


async def test_an_adapter_that_knows_no_config_refuses_and_loses_nothing(
    aiohttp_client: AiohttpClient,
) -> None:
    client, cors = await adapted(aiohttp_client, Claiming)
    response = await client.get("/not", headers=FROM_PAGE)
    assert (response.status, await response.text(), cors_and_vary(response)) == (200, "False", {})
    response = await client.get("/", headers=FROM_PAGE)
    assert await response.text() == "True"
    assert cors_and_vary(response) == {ACAO: ORIGIN, ACAC: "true", VARY: "Origin"}
    refused = await preflight(client, method="PUT")
    assert await reason(refused) == f"request method 'PUT' is not allowed for '{ORIGIN}' origin"
    assert isinstance(cors._cors_impl._router_adapter, Claiming)


async def test_an_adapter_that_knows_nothing_refuses(aiohttp_client: AiohttpClient) -> None:
    client, _ = await adapted(aiohttp_client, Denying)
    response = await client.get("/", headers=FROM_PAGE)
    assert (await response.text(), cors_and_vary(response)) == ("False", {})
    assert (await preflight(client)).status == 403


async def test_an_adapter_is_asked_about_views_too(aiohttp_client: AiohttpClient) -> None:
    class Notes(CorsViewMixin, web.View):
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    adapter = Claiming(app.router, {})
    CorsConfig(app, router_adapter=adapter).add(app.router.add_view("/", Notes), ALLOWED)
    client = await aiohttp_client(app)
    assert cors_headers(await preflight(client)) == {ACAO: ORIGIN, ACAC: "true", ACAM: "GET"}
    assert cors_headers(await client.get("/", headers=FROM_PAGE)) == {ACAO: ORIGIN, ACAC: "true"}
    # An OPTIONS of a view is for the preflight handler, and has no config of its own.
    assert cors_and_vary(await client.options("/", headers=FROM_PAGE)) == {
        VARY: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    }


async def test_the_library_s_adapter_raises_key_error_where_nothing_was_added(
    aiohttp_client: AiohttpClient,
) -> None:
    raised: list[str] = []

    async def ask(request: web.Request) -> web.Response:
        with pytest.raises(KeyError) as actual:
            adapter.get_non_preflight_request_config(request)
        with pytest.raises(KeyError) as asked:
            await adapter.get_preflight_request_config(request, ORIGIN, "GET")
        raised.extend([str(actual.value), str(asked.value)])
        return web.Response()

    app = web.Application()
    adapter = ResourcesUrlDispatcherRouterAdapter(app.router, ALLOWED)
    app.router.add_get("/", ask)
    assert (await (await aiohttp_client(app)).get("/")).status == 200
    assert raised == ["'GET'", "'GET'"]


def test_the_handler_that_is_there_already_is_added_by_nobody() -> None:
    app = web.Application()
    resource = app.router.add_resource("/")
    resource.add_route("OPTIONS", hello)
    adapter = ResourcesUrlDispatcherRouterAdapter(app.router, {})
    adapter.add_preflight_handler(resource, hello)
    assert [route.method for route in resource] == ["OPTIONS"]


# --- a base of the library's ------------------------------------------------------------------


async def test_a_preflight_handler_of_somebody_s_own_has_to_find_a_config(
    aiohttp_client: AiohttpClient,
) -> None:
    class Own(_PreflightHandler):
        async def _get_config(
            self, request: web.Request, origin: str, request_method: str
        ) -> Mapping[Any, Any]:
            return {"GET": ALLOWED}[request_method]

    app = web.Application()
    app.router.add_route("OPTIONS", "/", Own()._preflight_handler)
    client = await aiohttp_client(app)
    granted = {ACAO: ORIGIN, ACAC: "true", ACAM: "GET"}
    assert cors_headers(await preflight(client)) == granted
    refused = await preflight(client, method="PUT")
    assert await reason(refused) == f"request method 'PUT' is not allowed for '{ORIGIN}' origin"
    refused = await preflight(client, origin=None)
    assert await reason(refused) == "origin header is not specified in the request"


# --- resources --------------------------------------------------------------------------------


async def test_a_resource_that_cannot_be_resolved_for_options_loses_nothing(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(web.PlainResource):
        async def resolve(self, request: web.Request) -> Any:
            if request.method == "OPTIONS":
                raise ArithmeticError
            return await super().resolve(request)

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = Broken("/")
    app.router.register_resource(resource)
    cors.add(resource.add_route("GET", hello), ALLOWED)
    client = await aiohttp_client(app)
    response = await client.put("/", headers=FROM_PAGE)
    assert (response.status, cors_and_vary(response)) == (405, {})
    assert "the router failed" in caplog.text


def test_what_no_route_can_take_the_preflights_for_is_added_before_the_start() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    route = app.router.add_route("*", "/", hello)
    app.freeze()
    for entity in (route, app):
        with pytest.raises(ValueError, match="intercept_preflights=True"):
            cors.add(entity, ALLOWED)


# --- views ------------------------------------------------------------------------------------


class Notes(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return web.Response(text="notes")


async def test_a_view_that_got_an_ill_formed_config_later_lets_nobody_in(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Later(Notes):
        pass

    app = web.Application()
    aiohttp_cors.setup(app, defaults=ALLOWED).add(app.router.add_view("/", Later))
    client = await aiohttp_client(app)
    assert cors_headers(await client.get("/", headers=FROM_PAGE)) == {ACAO: ORIGIN, ACAC: "true"}
    Later.cors_config = {ORIGIN: 1}  # type: ignore[dict-item] # pyright: ignore[reportAttributeAccessIssue]
    response = await client.get("/", headers=FROM_PAGE)
    assert (await response.text(), cors_headers(response)) == ("notes", {})
    assert "has no usable config" in caplog.text
    assert (await preflight(client)).status == 403
    Later.cors_config = {OTHER: ResourceOptions(), ORIGIN: ResourceOptions()}
    assert cors_headers(await client.get("/", headers=FROM_PAGE)) == {ACAO: ORIGIN}


async def test_a_view_whose_own_decision_fails_lets_nobody_in(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    class Deciding(Notes):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> Mapping[Any, Any]:
            raise ArithmeticError

    app = web.Application()
    aiohttp_cors.setup(app, defaults=ALLOWED).add(app.router.add_view("/", Deciding))
    client = await aiohttp_client(app)
    response = await client.get("/", headers=FROM_PAGE)
    assert (await response.text(), cors_headers(response)) == ("notes", {})
    assert "has no usable config" in caplog.text
    assert (await preflight(client)).status == 403


async def test_a_view_that_was_not_added_builds_on_what_its_application_says(
    aiohttp_client: AiohttpClient,
) -> None:
    class Deciding(Notes):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> Mapping[Any, Any]:
            config = super().get_request_config(request, request_method)
            return {**config, OTHER: ResourceOptions()}

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    app.router.add_view("/", Deciding)
    cors.add(app, ALLOWED)
    client = await aiohttp_client(app)
    assert cors_headers(await client.get("/", headers=FROM_PAGE)) == {ACAO: ORIGIN, ACAC: "true"}
    response = await client.get("/", headers={hdrs.ORIGIN: OTHER})
    assert cors_headers(response) == {ACAO: OTHER}


@pytest.mark.parametrize("is_below", [False, True], ids=["alone", "below a config"])
async def test_what_a_view_that_was_not_added_says_of_itself(
    aiohttp_client: AiohttpClient, *, is_below: bool
) -> None:
    raised: dict[str, str] = {}

    class Asking(CorsViewMixin, web.View):
        async def get(self) -> web.Response:
            for method in ("get", "PATCH"):
                try:
                    config = self.get_request_config(self.request, method)
                except (KeyError, ValueError) as error:  # noqa: PERF203  # one for each method
                    raised[method] = f"{type(error).__name__}: {error}"
                else:
                    assert dict(config) == ALLOWED
            return web.Response()

    app, below = web.Application(), web.Application()
    below.router.add_view("/", Asking)
    app.add_subapp("/below", below)
    if is_below:
        aiohttp_cors.setup(app, defaults=ALLOWED)
    client = await aiohttp_client(app)
    response = await client.get("/below/", headers=FROM_PAGE)
    assert (response.status, cors_and_vary(response)) == (200, {})
    if is_below:
        assert raised == {"PATCH": "KeyError: 'PATCH'"}
    else:
        assert set(raised) == {"get", "PATCH"}
        assert all("call aiohttp_cors.setup()" in text for text in raised.values())
    response = await client.options("/below/", headers={**FROM_PAGE, ACRM: "GET"})
    assert response.status == (403 if is_below else 405)
    if not is_below:
        assert response.headers["Allow"] == "GET"


# --- resolvers --------------------------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
async def test_a_resolver_that_raises_refuses_loses_nothing_and_is_logged_once(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture, *, waits: bool
) -> None:
    def at_once(_request: web.Request, _origin: str) -> bool:
        raise ArithmeticError

    async def later(request: web.Request, _origin: str) -> bool:
        await request.read()
        raise ArithmeticError

    resolver = later if waits else at_once
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions()})
    cors.add(app.router.add_get("/", hello), {resolver: ResourceOptions(allow_credentials=True)})
    cors.add(app.router.add_get("/none", hello), {resolver: ResourceOptions(), "*": None})
    client = await aiohttp_client(app)
    for _ in range(2):
        response = await client.get("/none", headers=FROM_PAGE)
        assert (response.status, cors_and_vary(response)) == (200, {VARY: "Origin"})
        refused = await preflight(client, "/none")
        assert await reason(refused) == f"origin '{ORIGIN}' is not allowed"
        # It grants nothing; what stands after it still may.
        assert cors_and_vary(await client.get("/", headers=FROM_PAGE)) == {
            ACAO: ORIGIN,
            VARY: "Origin",
        }
    logged = [one for one in caplog.records if "resolver" in one.getMessage()]
    assert [one.getMessage() for one in logged] == [
        f"resolver {resolver!r} failed; the origin is refused"
    ]
    assert [type(one.exc_info[1]) for one in logged if one.exc_info] == [ArithmeticError]


async def test_a_resolver_that_says_neither_yes_nor_no_refuses_and_is_logged_once(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    def neither(_request: web.Request, _origin: str) -> Any:
        return "yes"

    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_get("/", hello), {neither: ResourceOptions()})
    client = await aiohttp_client(app)
    for _ in range(2):
        response = await client.get("/", headers=FROM_PAGE)
        assert (response.status, cors_and_vary(response)) == (200, {VARY: "Origin"})
    assert [one.getMessage() for one in caplog.records if "resolver" in one.getMessage()] == [
        f"resolver {neither!r} failed; the origin is refused"
    ]


async def test_a_resolver_that_waits_is_not_allowed_where_nothing_can_wait(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def knows(request: web.Request, _origin: str) -> bool:
        if "wait" in request.query:
            await asyncio.sleep(0)
        return True

    app = web.Application()
    cors = aiohttp_cors.setup(app)

    async def allowed(request: web.Request) -> web.Response:
        return web.Response(text=str(cors.is_allowed(request)))

    cors.add(app.router.add_get("/", allowed), {knows: ResourceOptions()})
    app.router.add_get("/not", allowed)
    client = await aiohttp_client(app)
    said = [
        await (await client.get(path, headers=FROM_PAGE)).text() for path in ("/", "/?wait", "/not")
    ]
    assert said == ["True", "False", "False"]
    assert "waits, but is asked where nothing can wait" in caplog.text


# --- handlers ---------------------------------------------------------------------------------


async def test_headers_of_an_earlier_response_do_not_pass_its_grant_on(
    aiohttp_client: AiohttpClient,
) -> None:
    kept: list[web.Response] = []

    async def keeping(_request: web.Request) -> web.Response:
        kept.append(web.Response(headers=kept[-1].headers if kept else {"X-One": "1"}))
        return kept[-1]

    app = web.Application()
    config = {**ALLOWED, OTHER: ResourceOptions(expose_headers=["X-One"])}
    aiohttp_cors.setup(app).add(app.router.add_get("/", keeping), config)
    client = await aiohttp_client(app)
    expected = {
        ORIGIN: {ACAO: ORIGIN, ACAC: "true", VARY: "Origin"},
        OTHER: {ACAO: OTHER, ACEH: "X-One", VARY: "Origin"},
        "https://evil.example": {VARY: "Origin"},
    }
    for origin in [*expected, *reversed(expected)]:
        response = await client.get("/", headers={hdrs.ORIGIN: origin})
        assert cors_and_vary(response) == expected[origin]
        assert response.headers["X-One"] == "1"


async def test_credentials_that_a_handler_lets_slip_do_not_reach_a_refused_page(
    aiohttp_client: AiohttpClient,
) -> None:
    async def stray(_request: web.Request) -> web.Response:
        return web.Response(headers={ACAC: "true"})

    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_get("/", stray), ALLOWED)
    client = await aiohttp_client(app)
    response = await client.get("/", headers={hdrs.ORIGIN: OTHER})
    assert cors_and_vary(response) == {VARY: "Origin"}


async def test_answers_to_preflights_are_not_kept_without_bounds(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/", hello), ALLOWED)
    client = await aiohttp_client(app)
    adapter: Any = cors._cors_impl._router_adapter
    most = 0
    for number in range(1_100):
        refused = await preflight(client, origin=f"https://{number}.example")
        assert refused.status == 403
        most = max(most, len(adapter.answers))
    assert 100 < most <= 1_024
    long = await preflight(client, origin=f"https://{'long' * 500}.example")
    assert long.status == 403
    assert len(adapter.answers) == 1_100 - most
    assert cors_headers(await preflight(client)) == {ACAO: ORIGIN, ACAC: "true", ACAM: "GET"}
