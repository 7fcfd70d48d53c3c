"""What differs from 0.8.1, section by section of the page of that name, over real sockets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsViewMixin, ResourceOptions, custom_cors
from aiohttp_cors.mixin import APP_CONFIG_KEY
from tests._support import (
    ACAC,
    ACAM,
    ACAO,
    ACEH,
    ACRM,
    ORIGIN,
    OTHER,
    STATIC_DIR,
    STATIC_FILE,
    VARY,
    cors_and_vary,
    hello,
    preflight,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_aiohttp import AiohttpClient

    from tests._support import Client

VARY_ACTUAL = {VARY: "Origin"}
VARY_PREFLIGHT = {VARY: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
REFUSED = VARY_PREFLIGHT


def granted(method: str, origin: str = ORIGIN, **more: str) -> dict[str, str]:
    return {ACAO: origin, ACAM: method, **VARY_PREFLIGHT, **more}


def readable(origin: str = ORIGIN, **more: str) -> dict[str, str]:
    return {ACAO: origin, **VARY_ACTUAL, **more}


async def asked(client: Client, method: str, path: str = "/", origin: str = ORIGIN) -> Any:
    """The CORS headers of a preflight and of the actual response."""
    response = await client.request(method, path, headers={hdrs.ORIGIN: origin})
    return (
        cors_and_vary(await preflight(client, path, method=method, origin=origin)),
        cors_and_vary(response),
    )


DENIED = REFUSED, VARY_ACTUAL
ANYBODY = {"*": ResourceOptions()}
PAGE = {ORIGIN: ResourceOptions()}


def allowed(method: str, origin: str = ORIGIN) -> Any:
    return granted(method, origin), readable(origin)


# --- layers ---------------------------------------------------------------------------------


async def test_the_first_route_does_not_lend_its_config_to_a_later_one(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    cors.add(
        resource.add_route("GET", hello),
        {ORIGIN: ResourceOptions(allow_credentials=True), "*": ResourceOptions()},
    )
    cors.add(resource.add_route("POST", hello), {OTHER: ResourceOptions()})
    resource.add_route("PUT", hello)
    client = await aiohttp_client(app)
    assert await asked(client, "POST") == DENIED
    assert await asked(client, "PUT") == DENIED
    assert await asked(client, "POST", origin=OTHER) == allowed("POST", OTHER)


async def test_an_entry_with_allow_methods_serves_the_methods_it_names_on_the_whole_resource(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    for method in ("POST", "PUT", "PATCH"):
        resource.add_route(method, hello)
    cors.add(
        resource.add_route("GET", hello),
        {ORIGIN: ResourceOptions(allow_methods=["POST", "PATCH"]), OTHER: ResourceOptions()},
    )
    client = await aiohttp_client(app)
    assert await asked(client, "POST") == allowed("POST")
    assert await asked(client, "PATCH") == allowed("PATCH")
    assert await asked(client, "PUT") == DENIED
    assert await asked(client, "POST", origin=OTHER) == DENIED


ORDERS = list(itertools.permutations(["resource", "GET", "POST"]))


@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
async def test_the_order_of_a_resource_and_its_routes_does_not_matter(
    aiohttp_client: AiohttpClient, order: tuple[str, ...]
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    entities: dict[str, Any] = {
        "resource": resource,
        "GET": resource.add_route("GET", hello),
        "POST": resource.add_route("POST", hello),
    }
    resource.add_route("PUT", hello)
    configs = {
        "resource": {OTHER: ResourceOptions(allow_methods=["PUT"])},
        "GET": {"*": ResourceOptions(allow_methods="*")},
        "POST": PAGE,
    }
    for name in order:
        cors.add(entities[name], configs[name])
    client = await aiohttp_client(app)
    got = {
        (method, origin): await asked(client, method, origin=origin)
        for method in ("GET", "POST", "PUT")
        for origin in (ORIGIN, OTHER)
    }
    assert got == {
        ("GET", ORIGIN): allowed("GET"),
        ("GET", OTHER): allowed("GET", OTHER),
        ("POST", ORIGIN): allowed("POST"),
        # The route was added, but the origin's own options are the resource's.
        ("POST", OTHER): allowed("POST", OTHER),
        ("PUT", ORIGIN): DENIED,
        ("PUT", OTHER): allowed("PUT", OTHER),
    }


async def test_adding_again_with_an_equal_config_does_nothing(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    route = resource.add_route("GET", hello)
    static = app.router.add_static("/static", STATIC_DIR)
    for _ in range(2):
        for entity in (route, resource, static, app):
            assert cors.add(entity, {ORIGIN: ResourceOptions()}) is entity
    client = await aiohttp_client(app)
    assert await asked(client, "GET") == allowed("GET")
    assert [one.method for one in resource] == ["GET", "OPTIONS"]
    assert await asked(client, "GET", f"/static/{STATIC_FILE}") == allowed("GET")


async def test_what_is_added_while_requests_are_served_holds_from_the_next_one_on(
    aiohttp_client: AiohttpClient,
) -> None:
    class View(CorsViewMixin, web.View):
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    later = [app.router.add_get("/", hello), app.router.add_view("/view", View)]
    for route in later:
        cors.add(route.resource, PAGE)
    client = await aiohttp_client(app)
    for path in ("/", "/view"):
        assert await asked(client, "GET", path, OTHER) == DENIED
    for route in later:
        cors.add(route, {OTHER: ResourceOptions()})
    for path in ("/", "/view"):
        assert await asked(client, "GET", path, OTHER) == allowed("GET", OTHER)


@pytest.mark.parametrize("second", [OTHER, "another order", "other options"])
def test_adding_again_with_another_config_is_refused(second: str) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    first = {ORIGIN: ResourceOptions(), "https://*.example": None}
    configs: dict[str, Any] = {
        OTHER: {**first, OTHER: ResourceOptions()},
        "another order": dict(reversed(first.items())),
        "other options": {**first, ORIGIN: ResourceOptions(max_age=1)},
    }
    resource = app.router.add_resource("/")
    for entity in (resource.add_route("GET", hello), resource, app):
        cors.add(entity, first)
        with pytest.raises(ValueError, match="was added before with another config"):
            cors.add(entity, configs[second])


async def test_options_written_as_a_dict_take_allow_methods(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = cors.add(app.router.add_resource("/"), {ORIGIN: {"allow_methods": {"POST"}}})
    for method in ("POST", "PUT"):
        resource.add_route(method, hello)
    client = await aiohttp_client(app)
    assert await asked(client, "POST") == allowed("POST")
    assert await asked(client, "PUT") == DENIED


@pytest.mark.parametrize("option", ["expose_headers", "allow_headers", "allow_methods"])
@pytest.mark.parametrize("name", ["X-One\r\nX-Two: 1", "", "X One", "X-\u00fc", "X,Y", "X-One\n"])
def test_a_name_that_is_no_token_is_refused_when_it_is_configured(option: str, name: str) -> None:
    app = web.Application()
    with pytest.raises(ValueError, match=option):
        aiohttp_cors.setup(app, defaults={ORIGIN: {option: ["X-Good", name]}})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]


async def test_none_takes_an_inherited_origin_and_the_star_away(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(), ORIGIN: ResourceOptions()})
    only, but_one = {"*": None, OTHER: ResourceOptions()}, {ORIGIN: None}
    cors.add(app.router.add_get("/only", hello), only)
    cors.add(app.router.add_get("/but-one", hello), but_one)
    client = await aiohttp_client(app)
    third = "https://third.example"
    assert await asked(client, "GET", "/only", OTHER) == allowed("GET", OTHER)
    # What is written out in a farther layer comes before the star.
    assert await asked(client, "GET", "/only") == allowed("GET")
    assert await asked(client, "GET", "/only", third) == DENIED
    assert await asked(client, "GET", "/but-one") == DENIED
    assert await asked(client, "GET", "/but-one", third) == allowed("GET", third)


@pytest.mark.parametrize("how", ["assignment", "in place", "update", "taken out"])
async def test_a_change_of_the_defaults_holds_from_the_next_request_on(
    aiohttp_client: AiohttpClient, how: str
) -> None:
    class View(CorsViewMixin, web.View):
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={OTHER: ResourceOptions()})
    cors.add(app.router.add_get("/", hello))
    cors.add(app.router.add_view("/view", View))
    client = await aiohttp_client(app)
    for path in ("/", "/view"):
        assert await asked(client, "GET", path) == DENIED
        assert await asked(client, "GET", path, OTHER) == allowed("GET", OTHER)
    if how == "assignment":
        cors.defaults = PAGE
    elif how == "in place":
        cors.defaults[ORIGIN] = ResourceOptions()
    elif how == "update":
        cors.defaults.update(PAGE)
    else:
        del cors.defaults[OTHER]
    now_allowed = allowed("GET") if how != "taken out" else DENIED
    then_allowed = DENIED if how in ("assignment", "taken out") else allowed("GET", OTHER)
    for path in ("/", "/view"):
        assert await asked(client, "GET", path) == now_allowed
        assert await asked(client, "GET", path, OTHER) == then_allowed


@pytest.mark.parametrize("make", [aiohttp_cors.setup, CorsConfig])
async def test_of_two_configs_on_one_application_each_serves_what_was_added_to_it(
    aiohttp_client: AiohttpClient, make: Callable[..., CorsConfig]
) -> None:
    app = web.Application()
    first, second = aiohttp_cors.setup(app), make(app)
    assert app[APP_CONFIG_KEY] is (second if make is aiohttp_cors.setup else first)
    first.add(app.router.add_get("/first", hello), PAGE)
    second.add(app.router.add_get("/second", hello), {OTHER: ResourceOptions()})
    both = app.router.add_get("/both", hello)
    first.add(both, {ORIGIN: ResourceOptions(expose_headers=["X-One"])})
    second.add(
        both,
        {ORIGIN: ResourceOptions(allow_credentials=True), OTHER: ResourceOptions()},
    )
    client = await aiohttp_client(app)
    assert await asked(client, "GET", "/first") == allowed("GET")
    assert await asked(client, "GET", "/first", OTHER) == DENIED
    assert await asked(client, "GET", "/second") == DENIED
    assert await asked(client, "GET", "/second", OTHER) == allowed("GET", OTHER)
    preflighted, response = await asked(client, "GET", "/both")
    assert preflighted == granted("GET")
    assert response == readable(**{ACEH: "X-One"})
    assert await asked(client, "GET", "/both", OTHER) == allowed("GET", OTHER)


# --- which methods --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("route", "resource"), ("resource", "route"), ("route",)])
async def test_a_function_that_serves_all_methods_can_be_added(
    aiohttp_client: AiohttpClient, order: tuple[str, ...]
) -> None:
    async def says(request: web.Request) -> web.Response:
        return web.Response(text=f"served {request.method}")

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    route = resource.add_route("*", says)
    for name in order:
        if name == "route":
            cors.add(route, PAGE)
        else:
            cors.add(resource, {OTHER: ResourceOptions(allow_methods=["PUT"])})
    client = await aiohttp_client(app)
    for method in ("GET", "DELETE", "PROPFIND"):
        assert await asked(client, method) == allowed(method)
        # The list of the resource holds where the route has no word about the origin.
        assert await asked(client, method, origin=OTHER) == DENIED
    expected = allowed("PUT", OTHER) if "resource" in order else DENIED
    assert await asked(client, "PUT", origin=OTHER) == expected
    response = await client.options("/", headers={hdrs.ORIGIN: ORIGIN})
    assert (response.status, await response.text()) == (200, "served OPTIONS")
    assert cors_and_vary(response) == readable()


async def test_a_function_that_serves_all_methods_may_come_after_its_resource_was_added(
    aiohttp_client: AiohttpClient,
) -> None:
    async def says(request: web.Request) -> web.Response:
        return web.Response(text=f"served {request.method}")

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = cors.add(app.router.add_resource("/"), {OTHER: ResourceOptions()})
    cors.add(resource.add_route("*", says), PAGE)
    client = await aiohttp_client(app)
    assert await asked(client, "PROPFIND") == allowed("PROPFIND")
    response = await client.options("/", headers={hdrs.ORIGIN: ORIGIN})
    assert (response.status, await response.text()) == (200, "served OPTIONS")
    assert cors_and_vary(response) == readable()


async def test_a_preflight_is_answered_by_what_would_serve_the_method_on_that_path(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    # Resources with names of their own stay apart.
    reads = app.router.add_resource("/x", name="reads")
    writes = app.router.add_resource("/x", name="writes")
    closed = app.router.add_resource("/x", name="closed")
    cors.add(reads.add_route("GET", hello), {"*": ResourceOptions(allow_methods="*")})
    cors.add(writes.add_route("POST", hello), {OTHER: ResourceOptions()})
    closed.add_route("DELETE", hello)
    client = await aiohttp_client(app)
    assert await asked(client, "GET", "/x") == allowed("GET")
    assert await asked(client, "POST", "/x") == DENIED
    assert await asked(client, "POST", "/x", OTHER) == allowed("POST", OTHER)
    # A route that is not CORS-enabled means refusal.
    assert await asked(client, "DELETE", "/x") == (REFUSED, {})
    # Nothing serves PATCH: the resource that matched has its word, and the 405 can be read.
    assert await asked(client, "PATCH", "/x") == allowed("PATCH")


async def test_of_dynamic_paths_that_overlap_the_one_that_serves_the_method_answers(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/{name}", hello), {"*": ResourceOptions(allow_methods="*")})
    cors.add(app.router.add_put("/{number:[0-9]+}", hello), {OTHER: ResourceOptions()})
    client = await aiohttp_client(app)
    assert await asked(client, "PUT", "/1") == DENIED
    assert await asked(client, "PUT", "/1", OTHER) == allowed("PUT", OTHER)
    assert await asked(client, "PUT", "/a") == allowed("PUT")


async def test_the_same_preflight_again_gets_the_same_answer(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/", hello), PAGE)
    client = await aiohttp_client(app)
    for _ in range(3):
        assert cors_and_vary(await preflight(client)) == granted("GET")
        response = await preflight(client, origin=OTHER)
        assert response.status == 403
        assert cors_and_vary(response) == REFUSED
    cors.defaults[OTHER] = ResourceOptions()
    assert cors_and_vary(await preflight(client, origin=OTHER)) == granted("GET", OTHER)


@pytest.mark.parametrize("intercept", [False, True], ids=["routed", "intercepted"])
async def test_an_application_under_a_domain_answers_preflights_for_its_own_host(
    aiohttp_client: AiohttpClient, intercept: bool
) -> None:
    app, api = web.Application(), web.Application()
    cors = aiohttp_cors.setup(app, intercept_preflights=intercept)
    cors.add(api.router.add_put("/", hello), PAGE)
    app.add_domain("api.example", api)
    cors.add(app.router.add_put("/", hello), {OTHER: ResourceOptions()})
    client = await aiohttp_client(app)
    got = {
        (host, origin): cors_and_vary(
            await client.options(
                "/",
                headers={hdrs.HOST: host, hdrs.ORIGIN: origin, ACRM: "PUT"},
            )
        )
        for host in ("api.example", "www.example")
        for origin in (ORIGIN, OTHER)
    }
    assert got == {
        ("api.example", ORIGIN): granted("PUT"),
        ("api.example", OTHER): REFUSED,
        ("www.example", ORIGIN): REFUSED,
        ("www.example", OTHER): granted("PUT", OTHER),
    }


async def test_a_view_without_the_mixin_is_served_in_an_application_that_was_added(
    aiohttp_client: AiohttpClient,
) -> None:
    class Plain(web.View):
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    aiohttp_cors.setup(app).add(app, PAGE)
    app.router.add_view("/", Plain)
    client = await aiohttp_client(app)
    assert await asked(client, "GET") == allowed("GET")
    # Its 405 can be read, but nobody is told that the method is there.
    assert await asked(client, "PUT") == (REFUSED, readable())


async def test_preflights_are_intercepted_in_front_of_a_login_but_for_what_was_not_added(
    aiohttp_client: AiohttpClient,
) -> None:
    @web.middleware
    async def demand_a_login(request: web.Request, handler: Any) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    async def own(_request: web.Request) -> web.Response:
        return web.Response(headers={ACAO: OTHER})

    app = web.Application(middlewares=[demand_a_login])
    cors = aiohttp_cors.setup(app, intercept_preflights=True)
    cors.add(app.router.add_put("/", hello), PAGE)
    app.router.add_put("/own", hello)
    app.router.add_route("OPTIONS", "/own", own)
    client = await aiohttp_client(app)
    assert await asked(client, "PUT") == allowed("PUT")
    assert (await client.put("/", headers={hdrs.ORIGIN: ORIGIN})).status == 401
    refused = await preflight(client, method="DELETE")
    assert (refused.status, cors_and_vary(refused)) == (403, REFUSED)
    response = await preflight(client, "/own", method="PUT")
    assert (response.status, cors_and_vary(response)) == (401, {})
    response = await client.options("/", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 401


async def test_a_handler_can_ask_whether_the_page_may_read_its_answer(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)

    async def says(request: web.Request) -> web.Response:
        return web.json_response(cors.is_allowed(request))

    cors.add(app.router.add_get("/", says), {ORIGIN: ResourceOptions(), OTHER: None})
    client = await aiohttp_client(app)
    host = f"http://{client.host}:{client.port}"
    said = {
        origin: await (
            await client.get("/", headers={} if origin is None else {hdrs.ORIGIN: origin})
        ).json()
        for origin in (ORIGIN, OTHER, "null", host, None)
    }
    assert said == {ORIGIN: True, OTHER: False, "null": False, host: True, None: True}


# --- views ----------------------------------------------------------------------------------

PLACES = ["custom_cors", "cors_config", "route", "resource", "defaults"]


@pytest.mark.parametrize("as_dict", [False, True], ids=["options", "dict options"])
@pytest.mark.parametrize("nearest", range(len(PLACES)), ids=PLACES)
async def test_a_view_has_one_config_for_preflights_and_requests_the_nearest_one(
    aiohttp_client: AiohttpClient, nearest: int, as_dict: bool
) -> None:
    configs: dict[str, Any] = {}
    for number, place in enumerate(PLACES):
        options: Any = {"max_age": number, "expose_headers": [f"X-{number}"]}
        configs[place] = {ORIGIN: options if as_dict else ResourceOptions(**options)}
    for place in PLACES[:nearest]:
        configs[place] = {}

    class View(CorsViewMixin, web.View):
        cors_config = configs["cors_config"]

        @custom_cors(configs["custom_cors"])
        async def get(self) -> web.Response:
            return web.Response()

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=configs["defaults"])
    resource = app.router.add_resource("/")
    cors.add(resource.add_route("*", View), configs["route"])
    cors.add(resource, configs["resource"])
    client = await aiohttp_client(app)
    preflighted, response = await asked(client, "GET")
    assert preflighted == granted("GET", **{"Access-Control-Max-Age": str(nearest)})
    assert response == readable(**{ACEH: f"X-{nearest}"})


class Notes(CorsViewMixin, web.View):
    async def get(self) -> web.Response:
        return web.Response(text="notes")


async def test_a_method_that_a_view_lacks_is_a_405_that_can_be_read_and_refused_in_a_preflight(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    aiohttp_cors.setup(app, defaults=PAGE).add(app.router.add_view("/", Notes))
    client = await aiohttp_client(app)
    for method in ("HEAD", "POST", "PROPFIND"):
        response = await client.request(method, "/", headers={hdrs.ORIGIN: ORIGIN})
        assert response.status == 405
        assert cors_and_vary(response) == readable()
        assert cors_and_vary(await preflight(client, method=method)) == REFUSED
        assert (await client.request(method, "/")).status == 405


@pytest.mark.parametrize(
    "word", ["request", "cors_config", "options", "get_request_config", "__class__", "_iter", "get"]
)
async def test_no_attribute_of_a_view_is_looked_up_by_a_word_of_a_client(
    aiohttp_client: AiohttpClient, word: str
) -> None:
    app = web.Application()
    aiohttp_cors.setup(app, defaults={ORIGIN: ResourceOptions(allow_methods="*")}).add(
        app.router.add_view("/", Notes)
    )
    client = await aiohttp_client(app)
    response = await preflight(client, method=word)
    assert response.status == 403
    assert cors_and_vary(response) == REFUSED


async def test_what_a_client_asks_for_is_not_even_looked_for_on_a_view(
    aiohttp_client: AiohttpClient,
) -> None:
    class Looked:
        times = 0

        def __get__(self, instance: object, owner: type) -> None:
            Looked.times += 1

    class View(Notes):
        secret = Looked()

    app = web.Application()
    aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods="*")}).add(
        app.router.add_view("/", View)
    )
    client = await aiohttp_client(app)
    for word in ("secret", "SECRET", "Secret"):
        assert (await preflight(client, method=word)).status == 403
    assert Looked.times == 0


async def test_a_view_on_a_route_for_get_works(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_get("/", Notes, allow_head=False), PAGE)
    client = await aiohttp_client(app)
    assert await asked(client, "GET") == allowed("GET")
    assert cors_and_vary(await preflight(client, method="PUT")) == REFUSED


@pytest.mark.parametrize("levels", [1, 2])
async def test_a_view_in_a_sub_application_finds_the_nearest_config_above(
    aiohttp_client: AiohttpClient, levels: int
) -> None:
    apps = [web.Application() for _ in range(levels + 1)]
    route = apps[-1].router.add_view("/notes", Notes)
    path = "/notes"
    for parent, child in reversed([*itertools.pairwise(apps)]):
        parent.add_subapp("/sub", child)
        path = f"/sub{path}"
    aiohttp_cors.setup(apps[0], defaults=PAGE).add(route)
    client = await aiohttp_client(apps[0])
    assert await asked(client, "GET", path) == allowed("GET")
    assert (await client.head(path)).status == 405


async def test_a_route_of_a_sub_application_is_governed_by_all_that_it_was_added_to(
    aiohttp_client: AiohttpClient,
) -> None:
    app, sub = web.Application(), web.Application()
    above, below = aiohttp_cors.setup(app), aiohttp_cors.setup(sub)
    routes = {name: sub.router.add_get(f"/{name}", hello) for name in ("above", "below", "both")}
    above.add(routes["above"], PAGE)
    below.add(routes["below"], PAGE)
    above.add(routes["both"], {ORIGIN: ResourceOptions(allow_credentials=True)})
    below.add(routes["both"], {ORIGIN: ResourceOptions(), OTHER: ResourceOptions()})
    app.add_subapp("/sub", sub)
    client = await aiohttp_client(app)
    for name in ("above", "below"):
        assert await asked(client, "GET", f"/sub/{name}") == allowed("GET")
        assert await asked(client, "GET", f"/sub/{name}", OTHER) == DENIED
    credentials = {ACAC: "true"}
    assert await asked(client, "GET", "/sub/both") == (
        granted("GET", **credentials),
        readable(**credentials),
    )
    assert await asked(client, "GET", "/sub/both", OTHER) == allowed("GET", OTHER)


async def test_a_view_that_was_never_added_and_has_no_config_above_is_served_as_any_other(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    app.router.add_view("/", Notes)
    client = await aiohttp_client(app)
    statuses = {
        method: (await client.request(method, "/", headers={hdrs.ORIGIN: ORIGIN})).status
        for method in ("GET", "HEAD", "PUT", "OPTIONS")
    }
    assert statuses == {"GET": 200, "HEAD": 405, "PUT": 405, "OPTIONS": 405}
    response = await preflight(client)
    assert (response.status, cors_and_vary(response)) == (405, {})


async def test_a_view_that_was_never_added_refuses_what_it_could_not_let_be_read(
    aiohttp_client: AiohttpClient,
) -> None:
    app = web.Application()
    aiohttp_cors.setup(app, defaults=ANYBODY)
    app.router.add_view("/", Notes)
    client = await aiohttp_client(app)
    assert (await preflight(client)).status == 403
    assert await asked(client, "GET") == (REFUSED, {})


async def test_custom_cors_follows_the_function_under_another_name(
    aiohttp_client: AiohttpClient,
) -> None:
    class View(CorsViewMixin, web.View):
        @custom_cors(PAGE)
        async def get(self) -> web.Response:
            return web.Response()

        put = get

        async def post(self) -> web.Response:
            return web.Response()

    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_view("/", View))
    client = await aiohttp_client(app)
    assert await asked(client, "GET") == allowed("GET")
    assert await asked(client, "PUT") == allowed("PUT")
    assert await asked(client, "POST") == DENIED


# --- actual responses -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [ACAO, ACAC, ACEH])
@pytest.mark.parametrize("by", ["handler", "middleware", "error"])
async def test_a_cors_header_that_somebody_else_set_loses_no_response(
    aiohttp_client: AiohttpClient, name: str, by: str
) -> None:
    async def serve(_request: web.Request) -> web.Response:
        if by == "error":
            raise web.HTTPConflict(headers={name: "set"})
        return web.Response(headers={name: "set"} if by == "handler" else None)

    @web.middleware
    async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if by == "middleware":
            response.headers[name] = "set"
        return response

    app = web.Application(middlewares=[middleware])
    options = ResourceOptions(allow_credentials=True, expose_headers=["X-One"])
    aiohttp_cors.setup(app).add(app.router.add_get("/", serve), {ORIGIN: options})
    client = await aiohttp_client(app)
    ours = {ACAO: ORIGIN, ACAC: "true", ACEH: "X-One", **VARY_ACTUAL}
    expected = {
        ACAO: {ACAO: "set", **VARY_ACTUAL},
        ACAC: ours,
        ACEH: {**ours, ACEH: "set"},
    }
    response = await client.get("/", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == (409 if by == "error" else 200)
    assert cors_and_vary(response) == expected[name]


# --- an application that is mounted over the path of a resource ------------------------------


def mounted_over_a_resource() -> tuple[web.Application, web.Application, web.Resource]:
    """A PUT of `/api` goes on into the application that is mounted there, which has no `/`."""
    app, mounted = web.Application(), web.Application()
    resource = app.router.add_resource("/api")
    resource.add_route("GET", hello)
    mounted.router.add_get("/users", hello)
    app.add_subapp("/api", mounted)
    return app, mounted, resource


async def test_what_a_preflight_grants_can_be_read_though_a_mounted_application_answers(
    aiohttp_client: AiohttpClient,
) -> None:
    app, _, resource = mounted_over_a_resource()
    cors = aiohttp_cors.setup(app)
    cors.add(resource, {ORIGIN: ResourceOptions(allow_methods=["PUT"])})
    client = await aiohttp_client(app)
    assert cors_and_vary(await preflight(client, "/api", method="PUT")) == granted("PUT")
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == readable()


@pytest.mark.parametrize(("taken_away", "allowed"), [(True, False), (False, True)])
async def test_a_mounted_application_has_its_word_about_what_it_answers(
    aiohttp_client: AiohttpClient, taken_away: bool, allowed: bool
) -> None:
    app, mounted, resource = mounted_over_a_resource()
    cors = aiohttp_cors.setup(app, defaults={"*": ResourceOptions(allow_methods=["PUT"])})
    cors.add(resource)
    cors.add(mounted, {"*": None} if taken_away else None)
    client = await aiohttp_client(app)
    response = await preflight(client, "/api", method="PUT")
    assert cors_and_vary(response) == (granted("PUT") if allowed else REFUSED)
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == (readable() if allowed else VARY_ACTUAL)


async def test_a_404_of_a_mounted_application_that_was_added_can_be_read(
    aiohttp_client: AiohttpClient,
) -> None:
    app, mounted, _ = mounted_over_a_resource()
    aiohttp_cors.setup(app).add(mounted, {ORIGIN: ResourceOptions()})
    client = await aiohttp_client(app)
    response = await client.put("/api", headers={hdrs.ORIGIN: ORIGIN})
    assert response.status == 404
    assert cors_and_vary(response) == readable()
