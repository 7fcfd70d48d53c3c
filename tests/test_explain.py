"""What `explain` says, and that it is what a page sees of the running application."""

from __future__ import annotations

import json
import re
import textwrap
from collections import ChainMap
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import pytest
from aiohttp import web

import aiohttp_cors
from aiohttp_cors import APP_CONFIG_KEY, CorsViewMixin, ResourceOptions, custom_cors
from aiohttp_cors._code import call, laid_out, quoted
from aiohttp_cors._explain import explain, explain_url
from aiohttp_cors.abc import AbstractRouterAdapter
from aiohttp_cors.testing import CorsError, Page

from ._support import ACAO, ACEH, ORIGIN, OTHER, hello
from .test_requests import ATTACHED, TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_aiohttp import AiohttpClient, AiohttpServer

    from aiohttp_cors import CorsConfig
    from aiohttp_cors._explanation import Explanation
    from aiohttp_cors._policy import Config as AnyConfig
    from aiohttp_cors.abc import Handler

    from .test_requests import Attach, Config


# --- as a page sees it ------------------------------------------------------------------------


class Fetch(NamedTuple):
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: bool = False
    origin: str = ORIGIN


JSON = (("Content-Type", "application/json"),)
SECRET = (("X-One", "1"), ("Authorization", "Bearer x"))
FETCHES = [
    Fetch(),
    Fetch(credentials=True),
    Fetch(origin=OTHER),
    Fetch(origin="null", credentials=True),
    Fetch(headers=SECRET),
    Fetch("HEAD", credentials=True),
    Fetch("HEAD", headers=JSON, origin=OTHER),
    Fetch("POST"),
    Fetch("POST", headers=JSON, credentials=True),
    Fetch("PUT"),
    Fetch("PUT", headers=JSON, credentials=True, origin=OTHER),
    Fetch("DELETE", headers=SECRET, credentials=True),
    Fetch("patch"),
]

CONFIGS: list[Config] = []
for row in (row for rows in TABLE.values() for row in rows):
    if row.config not in CONFIGS:
        CONFIGS.append(row.config)

EVERY_CONFIG: list[Any] = [
    pytest.param(attach, config, id=f"{name}: {number}")
    for name, attach in ATTACHED.items()
    for number, config in enumerate(CONFIGS)
]


def config_of(app: web.Application) -> CorsConfig:
    return app[aiohttp_cors.APP_CONFIG_KEY]


async def explained(app: web.Application, path: str, fetch: Fetch) -> Explanation:
    return await config_of(app).explain(
        fetch.method,
        path,
        origin=fetch.origin,
        headers=fetch.headers,
        credentials=fetch.credentials,
    )


@pytest.mark.parametrize(("attach", "config"), EVERY_CONFIG)
async def test_a_page_of_the_running_application_sees_what_explain_says(
    aiohttp_client: AiohttpClient, attach: Attach, config: Config
) -> None:
    app, path = attach(config)
    client = await aiohttp_client(app)
    for fetch in FETCHES:
        said = await explained(app, path, fetch)
        page = Page(client, fetch.origin)
        step = None
        try:
            await page.fetch(
                path,
                fetch.method,
                headers=fetch.headers,
                credentials="include" if fetch.credentials else "omit",
            )
        except CorsError as error:
            step = error.during, error.step
        blocked = said.blocked
        assert step == (None if blocked is None else (blocked.during, blocked.step)), (fetch, said)
        assert bool(said.because) is bool(page.preflights)


@pytest.mark.parametrize(("attach", "config"), EVERY_CONFIG)
async def test_an_entry_that_explain_proposes_is_enough(attach: Attach, config: Config) -> None:
    app, path = attach(config)
    for fetch in FETCHES:
        blocked = (await explained(app, path, fetch)).blocked
        if blocked is None or blocked.mend is None or not blocked.mend.python.startswith('"'):
            continue
        proposed = eval(f"{{{blocked.mend.python}}}", {"ResourceOptions": ResourceOptions})
        mended, _ = attach({**config, **proposed})
        assert (await explained(mended, path, fetch)).readable, (fetch, blocked)


# --- what it says -----------------------------------------------------------------------------

ALLOWED: Config = {ORIGIN: ResourceOptions()}
Headers: TypeAlias = "Mapping[str, str]"


def serving(
    config: AnyConfig | None = None, *, path: str = "/", method: str = "GET"
) -> tuple[web.Application, CorsConfig]:
    """An application with one route, which is added."""
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_route(method, path, hello), ALLOWED if config is None else config)
    return app, cors


async def test_the_text_goes_the_way_of_the_browser() -> None:
    options = ResourceOptions(allow_headers=["X-Token"], expose_headers=["X-Total"], max_age=60)
    _, cors = serving({ORIGIN: options}, path="/notes", method="PUT")
    said = await cors.explain("put", "/notes?all", origin=ORIGIN, headers={"X-Token": "1"})
    assert str(said) == textwrap.dedent("""\
        PUT /notes?all from a page of https://page.example
        Cross-origin: yes
        Preflight:    needed
          - the method 'PUT' is not CORS-safelisted
          - the request header 'x-token' is not CORS-safelisted

        Preflight
          > OPTIONS /notes?all
          > Accept: */*
          > Access-Control-Request-Method: PUT
          > Access-Control-Request-Headers: x-token
          > Origin: https://page.example
          < 200
          < Access-Control-Allow-Origin: https://page.example
          < Access-Control-Allow-Methods: PUT
          < Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers
          < Access-Control-Allow-Headers: X-TOKEN
          < Access-Control-Max-Age: 60

        Actual request
          > PUT /notes?all
          > X-Token: 1
          > Accept: */*
          > Origin: https://page.example
          < (the handler answers; it is not run here)
          < Vary: Origin
          < Access-Control-Allow-Origin: https://page.example
          < Access-Control-Expose-Headers: X-Total

        Readable: the page can read the answer
          Headers: the safelisted ones, X-Total
          Hidden:  all others (expose_headers lets the page see more)""")


async def test_the_text_of_a_refusal_ends_with_the_mend() -> None:
    _, cors = serving({"http://page.example": ResourceOptions(max_age=5)}, path="/notes")
    said = await cors.explain("GET", "/notes", origin=ORIGIN, credentials=True)
    assert str(said).partition("\n\nBlocked")[2] == textwrap.dedent("""\
        : the page may not read the answer
          Found:   Access-Control-Allow-Origin is missing
          Rule:    Fetch, CORS check, step 2
          Layer:   none of [GET] /notes, defaults has the origin
          Nearest: 'http://page.example' in [GET] /notes: the scheme is http, not https
          Mend:    in the config of [GET] /notes, add:
            "https://page.example": ResourceOptions(allow_credentials=True, max_age=5),""")


async def test_the_dictionary_has_a_version_and_everything_and_is_json() -> None:
    _, cors = serving({OTHER: ResourceOptions()}, path="/notes")
    said = await cors.explain(
        "GET", "/notes", origin=ORIGIN, headers=[("Cookie", "a=b")], credentials=True
    )
    told = said.to_dict()
    assert (
        json.loads(json.dumps(told))
        == told
        == {
            "version": 1,
            "request": {
                "method": "GET",
                "url": "/notes",
                "origin": ORIGIN,
                "credentials": True,
                "headers": [],
            },
            "cross_origin": True,
            "preflight": {"needed": False, "because": []},
            "exchanges": [
                {
                    "kind": "actual",
                    "request": {
                        "method": "GET",
                        "url": "/notes",
                        "headers": [["Accept", "*/*"], ["Origin", ORIGIN]],
                    },
                    "response": {"status": None, "headers": [["Vary", "Origin"]], "text": ""},
                }
            ],
            "readable": False,
            "readable_headers": [],
            "hidden_headers": None,
            "blocked": {
                "during": "actual",
                "step": "CORS check, step 2",
                "text": f"{ACAO} is missing",
                "reason": "",
                "layer": "none of [GET] /notes, defaults has the origin",
                "nearest": [],
                "mend": {
                    "text": "in the config of [GET] /notes, add:",
                    "python": f'"{ORIGIN}": ResourceOptions(allow_credentials=True),',
                    "cautions": [],
                },
            },
            "notes": ["browsers let no page set Cookie; it is left out"],
        }
    )


async def test_no_line_is_longer_than_80_columns() -> None:
    many = [f"X-A-Header-Of-Quite-Some-Length-{number}" for number in range(30)]
    app, cors = serving({"*": ResourceOptions(allow_headers=many, expose_headers=many)})
    app.router.add_get("/" + "path" * 40, hello)
    headers = dict.fromkeys([*many, "X-Another"], "1")
    for path in ("/", "/" + "path" * 40):
        said = await cors.explain("GET", path, origin=ORIGIN, headers=headers)
        assert not said.readable
        assert max(len(line) for line in str(said).splitlines()) <= 80


async def test_what_a_terminal_would_obey_is_escaped() -> None:
    _, cors = serving()
    said = await cors.explain("GET", "/\x1b[31m", origin=ORIGIN, headers={"X-\x1b[2J": "1"})
    assert "\x1b" not in str(said)
    assert "\\x1b[2J" in str(said)


# --- what it looks at -------------------------------------------------------------------------


async def test_neither_a_handler_nor_a_middleware_nor_a_hook_runs() -> None:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise AssertionError

    async def handler(request: web.Request) -> web.StreamResponse:
        raise AssertionError

    async def hook(request: web.Request, response: web.StreamResponse) -> None:
        raise AssertionError

    app = web.Application(middlewares=[middleware])
    app.on_response_prepare.append(hook)
    cors = aiohttp_cors.setup(app, defaults=ALLOWED)
    cors.add(app.router.add_put("/", handler))
    assert (await cors.explain("PUT", "/", origin=ORIGIN)).readable


@pytest.mark.filterwarnings("ignore:It is recommended to use web.RequestKey")
async def test_a_resolver_is_asked_with_the_request() -> None:
    async def of_partner(request: web.Request, origin: str) -> bool:
        seen.append((request.match_info["partner"], request.app, request.path, request.host))
        request["asked"] = True
        assert "asked" in request
        assert len(request) >= 1
        assert "asked" in list(request)
        del request["asked"]
        assert APP_CONFIG_KEY in request.config_dict
        return request.method == "GET" and origin == ORIGIN

    seen: list[tuple[object, ...]] = []
    app, cors = serving({of_partner: ResourceOptions()}, path="/{partner}/x")
    said = await cors.explain("GET", "http://api.example/acme/x", origin=ORIGIN)
    assert said.readable
    # By identity: an application of aiohttp 3.9 has no hash.
    assert {(name, id(of), *rest) for name, of, *rest in seen} == {
        ("acme", id(app), "/acme/x", "api.example")
    }


async def test_a_url_tells_whether_the_page_is_of_the_same_origin() -> None:
    _, cors = serving()
    same = await cors.explain("GET", f"{OTHER}/", origin=OTHER)
    assert (same.cross_origin, same.readable, same.readable_headers) == (False, True, ("*",))
    assert "no, CORS has no say" in str(same)
    assert "Headers: all but Set-Cookie" in str(same)
    another = await cors.explain("GET", f"{OTHER}:8080/", origin=OTHER)
    assert (another.cross_origin, another.readable) == (True, False)


async def test_headers_that_are_exposed_by_star_are_all() -> None:
    _, cors = serving({ORIGIN: ResourceOptions(expose_headers="*")})
    said = await cors.explain("GET", "/", origin=ORIGIN)
    assert said.readable_headers == ("*",)


@pytest.mark.parametrize(
    ("origin", "path", "message"),
    [
        (f"{ORIGIN}/", "/", f"did you mean '{ORIGIN}'"),
        ("https://*.example", "/", "not an origin as browsers write it"),
        ("*", "/", "not an origin as browsers write it"),
        ("a b", "/", "not an origin as browsers write it"),
        (ORIGIN, "x", "a path begins with a slash"),
        (ORIGIN, "ftp://x/", "a URL with http:// or https://"),
    ],
)
async def test_what_no_browser_has_is_a_value_error(origin: str, path: str, message: str) -> None:
    _, cors = serving()
    with pytest.raises(ValueError, match=re.escape(message)):
        await cors.explain("GET", path, origin=origin)


@pytest.mark.parametrize(
    ("method", "headers", "step"),
    [
        ("TRACE", {}, "new Request(), step 25.2"),
        ("GET", {"X Y": "1"}, "Headers, validate, step 1"),
    ],
)
async def test_what_a_browser_does_not_send_has_no_exchange(
    method: str, headers: Headers, step: str
) -> None:
    _, cors = serving()
    said = await cors.explain(method, "/", origin=ORIGIN, headers=headers)
    assert said.blocked is not None
    assert (said.blocked.during, said.blocked.step, said.exchanges) == ("request", step, ())
    assert "The browser does not send it" in str(said)


async def test_what_handles_cors_is_no_middleware_in_front_of_the_preflight() -> None:
    app = web.Application()
    aiohttp_cors.setup(app, intercept_preflights=True)
    cors = aiohttp_cors.setup(app, defaults=ALLOWED)
    cors.add(app.router.add_put("/", hello))
    assert (await cors.explain("PUT", "/", origin=ORIGIN)).notes == ()


async def test_middlewares_in_front_of_the_preflight_are_named() -> None:
    @web.middleware
    async def authenticate(request: web.Request, handler: Any) -> web.StreamResponse:
        raise web.HTTPUnauthorized

    def app(*, intercept: bool) -> CorsConfig:
        app = web.Application(middlewares=[authenticate])
        cors = aiohttp_cors.setup(app, defaults=ALLOWED, intercept_preflights=intercept)
        cors.add(app.router.add_put("/", hello))
        app.router.add_get("/other", hello)
        return cors

    said = await app(intercept=False).explain("PUT", "/", origin=ORIGIN)
    assert said.readable
    [note] = said.notes
    assert note.startswith("the preflight passes authenticate first")
    assert "\nNote: the preflight passes authenticate first" in str(said)
    assert "intercept_preflights=True" in note
    assert (await app(intercept=True).explain("PUT", "/", origin=ORIGIN)).notes == ()
    assert (await app(intercept=False).explain("PUT", "/other", origin=ORIGIN)).notes == ()


# --- what decided -----------------------------------------------------------------------------


async def layer_and_mend(
    cors: CorsConfig, method: str = "GET", path: str = "/", *, credentials: bool = False
) -> tuple[str | None, str]:
    """What decided, and what the mend says, without its code."""
    said = await cors.explain(method, path, origin=ORIGIN, credentials=credentials)
    assert said.blocked is not None
    assert said.blocked.mend is not None
    return said.blocked.layer, said.blocked.mend.text


async def test_the_layer_is_the_nearest_that_has_the_key() -> None:
    app = web.Application()
    config = {ORIGIN: ResourceOptions()}
    cors = aiohttp_cors.setup(app, defaults=dict(config))
    resource = app.router.add_resource("/")
    cors.add(resource, dict(config))
    cors.add(resource.add_route("GET", hello))
    assert await layer_and_mend(cors, credentials=True) == (
        f"<PlainResource />, by '{ORIGIN}'",
        f"in the config of <PlainResource />, change '{ORIGIN}' to:",
    )


async def test_an_origin_that_was_taken_away_is_told() -> None:
    _, cors = serving({"*": ResourceOptions(), ORIGIN: None})
    assert await layer_and_mend(cors) == (
        f"[GET] /, where '{ORIGIN}' is mapped to None",
        f"in the config of [GET] /, change '{ORIGIN}' to:",
    )


async def test_cookies_are_not_proposed_for_all_that_a_pattern_matches() -> None:
    _, cors = serving({re.compile(r"https://.*\.example"): ResourceOptions()})
    layer, text = await layer_and_mend(cors, credentials=True)
    assert layer == r"[GET] /, by re.compile(r'https://.*\.example')"
    assert text == "in the config of [GET] /, add:"


async def test_what_custom_cors_says_is_a_layer_of_its_own() -> None:
    class Notes(CorsViewMixin, web.View):
        cors_config = ALLOWED

        @custom_cors({OTHER: ResourceOptions(), ORIGIN: ResourceOptions()})
        async def get(self) -> web.Response:
            raise AssertionError

        async def put(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/", Notes))
    name = Notes.__qualname__
    assert await layer_and_mend(cors, credentials=True) == (
        f"view {name}.get, by '{ORIGIN}'",
        f"in the config of view {name}.get, change '{ORIGIN}' to:",
    )
    assert await layer_and_mend(cors, "PUT", credentials=True) == (
        f"view {name}, by '{ORIGIN}'",
        f"in the config of view {name}, change '{ORIGIN}' to:",
    )


async def test_a_view_that_lacks_the_method_and_the_origin_gets_both() -> None:
    class Notes(CorsViewMixin, web.View):
        cors_config: ClassVar[AnyConfig | None] = {OTHER: ResourceOptions()}

        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/", Notes))
    said = await cors.explain("DELETE", "/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.layer == "none: nothing serves DELETE there"
    assert said.blocked.mend is not None
    assert said.blocked.mend.python == (
        "async def delete(self) -> web.Response: ...\n\n"
        f"# in the config of view {Notes.__qualname__}, add:\n"
        f'"{ORIGIN}": ResourceOptions(),'
    )


async def test_a_view_that_decides_by_itself_is_named() -> None:
    class Notes(CorsViewMixin, web.View):
        @classmethod
        def get_request_config(
            cls, request: web.Request, request_method: str
        ) -> Mapping[Any, ResourceOptions]:
            return {OTHER: ResourceOptions()} if request.path == "/" else {}

        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/", Notes))
    assert (await layer_and_mend(cors))[0] == "none of Notes.get_request_config has the origin"
    assert (await cors.explain("GET", "/", origin=OTHER)).readable


async def test_a_router_adapter_of_somebodys_own_is_asked() -> None:
    class Adapter(AbstractRouterAdapter):
        def add_preflight_handler(
            self, routing_entity: web.Resource, handler: Handler, webview: bool = False
        ) -> None:
            routing_entity.add_route("OPTIONS", handler)

        def is_preflight_request(self, request: web.Request) -> bool:
            return request.method == "OPTIONS"

        def is_cors_enabled_on_request(self, request: web.Request) -> bool:
            return True

        def set_config_for_routing_entity(
            self, routing_entity: Any, config: Mapping[Any, Any]
        ) -> None:
            self.config = config

        async def get_preflight_request_config(
            self, preflight_request: web.Request, origin: str, requested_method: str
        ) -> Mapping[Any, Any]:
            return self.config

        def get_non_preflight_request_config(self, request: web.Request) -> Mapping[Any, Any]:
            return self.config

    app = web.Application()
    cors = aiohttp_cors.CorsConfig(app, router_adapter=Adapter())
    resource = app.router.add_resource("/")
    resource.add_route("PUT", hello)
    cors.add(resource, {OTHER: ResourceOptions()})
    assert (await cors.explain("PUT", "/", origin=OTHER)).readable
    assert await layer_and_mend(cors, "PUT") == (
        "none of the router adapter has the origin",
        "in the config of the router adapter, add:",
    )


async def test_of_two_configs_the_one_that_knows_the_origin_is_told() -> None:
    app = web.Application()
    route = app.router.add_get("/", hello)
    aiohttp_cors.setup(app, defaults={OTHER: ResourceOptions()}).add(route)
    cors = aiohttp_cors.setup(app, defaults=ALLOWED)
    cors.add(route)
    assert await layer_and_mend(cors, credentials=True) == (
        f"defaults, by '{ORIGIN}'",
        f"in defaults, change '{ORIGIN}' to:",
    )


async def test_a_route_that_another_one_lends_its_config_is_not_added_by_that() -> None:
    app, cors = serving({ORIGIN: ResourceOptions(allow_methods=["GET"])})
    app.router.add_delete("/", hello)
    layer, text = await layer_and_mend(cors, "DELETE")
    assert (layer, text) == ("none: [DELETE] / was not added", "add the route for DELETE, too:")


@pytest.mark.parametrize(
    ("origin", "key", "difference"),
    [
        (ORIGIN, re.compile(f"{ORIGIN}/"), "it wants a slash at the end, which no browser sends"),
        (ORIGIN, re.compile("page"), "it matches a part of the origin, and has to match the whole"),
        (ORIGIN, f"{ORIGIN}, {OTHER}", "it is a list in one text; each origin is a key of its own"),
        (ORIGIN, "PAGE.example", "it has no scheme"),
        (ORIGIN, "https://*.page.example", "it covers the subdomains, not the host itself"),
        ("https://a.b.example", "http://*.b.example", "the scheme is http, not https"),
        ("https://page.example:8443", ORIGIN, "the port is the default, not 8443"),
        ("https://www.page.example", ORIGIN, "www.page.example is a subdomain of page.example"),
        (ORIGIN, "https://www.page.example", "www.page.example is a subdomain of page.example"),
        (ORIGIN, "https://pages.example", "the host is pages.example, not page.example"),
        (
            "http://[::1]",
            "http://localhost",
            "localhost and [::1] are one machine, but two origins",
        ),
    ],
)
async def test_an_origin_that_is_nearly_configured_is_told(
    origin: str, key: Any, difference: str
) -> None:
    _, cors = serving({key: ResourceOptions(), "null": ResourceOptions()})
    said = await cors.explain("GET", "/", origin=origin)
    assert said.blocked is not None
    [nearest] = said.blocked.nearest
    assert f" in [GET] /: {difference}" in nearest


def nobody(_request: web.Request, _origin: str) -> bool:
    return False


@pytest.mark.parametrize(
    "key",
    [
        "not an origin",
        "https://partner.net",
        "https://*.partner.net",
        re.compile("partner"),
        nobody,
    ],
)
async def test_what_has_nothing_to_do_with_the_origin_is_not_told(key: Any) -> None:
    _, cors = serving({key: ResourceOptions(), "null": ResourceOptions()})
    said = await cors.explain("GET", "/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.nearest == ()


async def test_an_origin_that_a_layer_takes_away_is_mended_there_and_not_below() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={f"{ORIGIN}/": ResourceOptions(max_age=5)})
    cors.add(app.router.add_get("/", hello), {ORIGIN: None})
    said = await cors.explain("GET", "/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.mend is not None
    assert said.blocked.mend.text == f"in the config of [GET] /, change '{ORIGIN}' to:"
    assert said.blocked.mend.python == f'"{ORIGIN}": ResourceOptions(max_age=5),'


async def test_code_of_somebodys_own_that_finds_nothing_is_where_the_origin_belongs() -> None:
    class Notes(CorsViewMixin, web.View):
        @classmethod
        def get_request_config(cls, request: web.Request, request_method: str) -> AnyConfig:
            return ChainMap({})

        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/", Notes))
    assert await layer_and_mend(cors) == (
        "none of Notes.get_request_config has the origin",
        "in the config of Notes.get_request_config, add:",
    )


@pytest.mark.parametrize(
    "expression",
    [
        re.compile(r"https://.*\.example"),
        re.compile(r"https://PAGE\.example", re.IGNORECASE | re.ASCII),
        re.compile(rf"https://(?:{'a|' * 200}page)\.example"),
    ],
    ids=["short", "flags", "long"],
)
async def test_an_expression_that_lacks_a_header_is_what_has_to_change(
    expression: re.Pattern[str],
) -> None:
    _, cors = serving({expression: ResourceOptions()})
    said = await cors.explain("GET", "/", origin=ORIGIN, headers={"X-A": "1"})
    assert said.blocked is not None
    assert said.blocked.mend is not None
    namespace = {"re": re, "ResourceOptions": ResourceOptions}
    assert eval(f"{{{said.blocked.mend.python}}}", namespace) == {
        expression: ResourceOptions(allow_headers=["X-A"])
    }


async def test_code_of_what_was_not_added_has_the_options_of_what_was_meant() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={f"{ORIGIN}/": ResourceOptions(max_age=5)})
    app.router.add_get("/", hello)
    assert (await mend_for(app, "GET", "/")).endswith(
        f'    {{"{ORIGIN}": ResourceOptions(max_age=5)}},\n)'
    )
    assert cors.defaults


# --- what is not CORS-enabled -----------------------------------------------------------------


async def mend_for(app: web.Application, method: str, path: str, origin: str = ORIGIN) -> str:
    said = await explain(app, method, path, origin=origin)
    assert said.blocked is not None
    assert said.blocked.layer == "none: not CORS-enabled"
    assert said.blocked.mend is not None
    return f"{said.blocked.mend.text}\n{said.blocked.mend.python}"


async def test_a_resource_with_an_options_handler_is_added_with_its_application() -> None:
    app = web.Application()
    app.router.add_put("/", hello)
    app.router.add_options("/", hello)
    cors = aiohttp_cors.setup(app)
    assert await mend_for(app, "PUT", "/") == (
        "add the whole application, which has an OPTIONS handler of its own there:\n"
        f'cors.add(app, {{"{ORIGIN}": ResourceOptions()}})'
    )
    said = await cors.explain("PUT", "/", origin=ORIGIN)
    assert said.exchanges[0].status is None
    assert "a handler of the application's own answers OPTIONS" in said.notes[0]
    cors.add(app, ALLOWED)
    assert (await cors.explain("PUT", "/", origin=ORIGIN)).readable


async def test_what_no_route_serves_is_added_with_its_application() -> None:
    class Somewhere(web.PlainResource):
        async def resolve(
            self, request: web.Request
        ) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
            route = web.ResourceRoute("GET", hello, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            return web.UrlMappingMatchInfo({}, route), {"GET"}

    app = web.Application()
    aiohttp_cors.setup(app, defaults=ALLOWED)
    app.router.register_resource(Somewhere("/x"))
    assert (await mend_for(app, "GET", "/x")).endswith("\ncors.add(app)")


async def test_a_view_without_the_mixin_has_to_be_derived_from_it() -> None:
    class Notes(web.View):
        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    app.router.add_view("/", Notes)
    aiohttp_cors.setup(app, defaults=ALLOWED)
    assert await mend_for(app, "GET", "/") == (
        "derive Notes from aiohttp_cors.CorsViewMixin too, and add it:\n"
        'cors.add(app.router.add_view("/", Notes))'
    )


async def test_a_view_with_the_mixin_but_no_config_above_is_not_enabled() -> None:
    class Notes(CorsViewMixin, web.View):
        async def put(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    app.router.add_view("/", Notes)
    assert (await mend_for(app, "PUT", "/")).startswith("set CORS up, and add the route:")
    assert (await explain(app, "PUT", "/", origin=ORIGIN)).exchanges[0].status == 405
    # What the view lacks is aiohttp's own 405.
    assert (await explain(app, "GET", "/", origin=ORIGIN)).exchanges[0].status == 405


async def test_static_files_are_added_by_their_directory(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_static("/files", tmp_path)
    aiohttp_cors.setup(app, defaults=ALLOWED)
    mend = await mend_for(app, "GET", "/files/x.txt")
    assert mend.startswith("add the route:\ncors.add(")
    mended = web.Application()
    python = mend.removeprefix("add the route:")
    exec(python, {"app": mended, "cors": aiohttp_cors.setup(mended, defaults=ALLOWED)})
    assert (await explain(mended, "GET", "/files/x.txt", origin=ORIGIN)).readable
    assert 'app.router.add_put("/files/x.txt", handler)' in await mend_for(
        app, "PUT", "/files/x.txt"
    )


async def test_code_for_a_sub_application_has_paths_of_its_own() -> None:
    def built(*, with_cors: bool) -> web.Application:
        api, inner, app = web.Application(), web.Application(), web.Application()
        inner.router.add_route("PURGE", "/news/{id}", hello)
        if with_cors:
            aiohttp_cors.setup(inner, defaults=ALLOWED)
        api.add_subapp("/v1", inner)
        app.add_subapp("/other", web.Application())
        app.add_subapp("/api", api)
        return app

    assert 'app.router.add_route("PURGE", "/news/{id}", hello)' in await mend_for(
        built(with_cors=False), "PURGE", "/api/v1/news/7"
    )
    assert await mend_for(built(with_cors=True), "PUT", "/api/v1/news") == (
        'serve PUT, and add its route:\ncors.add(app.router.add_put("/news", handler))'
    )


async def test_a_handler_without_a_name_is_named_by_its_class() -> None:
    app = web.Application()
    app.router.add_get("/", partial(hello))
    assert 'app.router.add_get("/", partial)' in await mend_for(app, "GET", "/")


async def test_a_path_that_nothing_serves_is_compared_with_those_that_are() -> None:
    app, cors = serving(path="/api/news")
    app.router.add_get("/weather", hello)
    said = await cors.explain("GET", "/api/news/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.nearest == ("/api/news is served, /api/news/ is not",)
    assert said.exchanges[0].status == 404


async def test_a_page_may_read_a_404_of_an_application_that_was_added() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app, ALLOWED)
    said = await cors.explain("GET", "/nowhere", origin=ORIGIN)
    assert (said.readable, said.exchanges[0].status) == (True, 404)
    assert await layer_and_mend(cors, "PUT", "/nowhere") == (
        f"application, by '{ORIGIN}'",
        "serve PUT, and add its route:",
    )


async def test_a_method_in_lower_case_is_a_mistake_of_the_page() -> None:
    _, cors = serving(method="PATCH")
    said = await cors.explain("patch", "/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.layer == "none: aiohttp does not know the method 'patch'"
    assert said.blocked.nearest[0].startswith("'PATCH': browsers send 'patch' as it is")
    assert said.blocked.mend is not None
    assert said.blocked.mend.python == ""


async def test_a_mend_that_is_unwise_comes_with_a_caution() -> None:
    _, cors = serving({"http://shop.example": ResourceOptions()})
    said = await cors.explain("GET", "/", origin="http://shop.example", credentials=True)
    assert said.blocked is not None
    assert said.blocked.mend is not None
    [caution] = said.blocked.mend.cautions
    assert caution.startswith("CORS012")
    assert "  Caution: CORS012" in str(said)


async def test_code_that_is_long_has_a_line_for_each_name() -> None:
    many = [f"X-A-Header-{number:02}" for number in range(12)]
    _, cors = serving({ORIGIN: ResourceOptions(allow_headers=many)})
    said = await cors.explain("GET", "/", origin=ORIGIN, headers={"X-New": "1"})
    assert said.blocked is not None
    assert said.blocked.mend is not None
    lines = said.blocked.mend.python.splitlines()
    assert lines[:3] == [
        f'"{ORIGIN}": ResourceOptions(',
        "    allow_headers=[",
        '        "X-A-Header-00",',
    ]
    eval(f"{{{said.blocked.mend.python}}}", {"ResourceOptions": ResourceOptions})


@pytest.mark.parametrize(
    "name", ["path" * 40, "a\\b" * 40, '"' * 200, "\N{SNOWMAN}" * 100], ids=["a", "b", "c", "d"]
)
def test_a_text_that_is_long_is_cut_and_still_the_same(name: str) -> None:
    python = laid_out(call("str.join", quoted("/"), quoted(name)))
    assert eval(python) == str.join("/", name)
    if name.isascii():
        assert max(map(len, python.splitlines())) <= 76


# --- a server ---------------------------------------------------------------------------------


async def test_a_server_is_asked_with_real_requests(aiohttp_server: AiohttpServer) -> None:
    async def handler(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers["Origin"], request.headers["X-Token"]))
        return web.Response(headers={"X-Total": "1", "X-Other": "2"})

    seen: list[tuple[str, str, str]] = []
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    options = ResourceOptions(allow_headers=["X-Token"], expose_headers=["X-Total"])
    cors.add(app.router.add_delete("/notes", handler), {ORIGIN: options})
    url = str((await aiohttp_server(app)).make_url("/"))
    said = await explain_url(url, "DELETE", "/notes", origin=ORIGIN, headers={"X-Token": "1"})
    assert seen == [("DELETE", ORIGIN, "1")]
    assert said.readable
    assert [exchange.status for exchange in said.exchanges] == [200, 200]
    assert set(said.readable_headers) >= {"X-Total", "Content-Length"}
    assert set(said.hidden_headers or ()) >= {"Date", "X-Other"}
    assert f"DELETE {url}notes from a page" in str(said)


async def test_where_nothing_is_hidden_nothing_is_said_of_it(aiohttp_server: AiohttpServer) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(headers={ACAO: "*", ACEH: "*"})

    app = web.Application()
    app.router.add_get("/", handler)
    said = await explain_url(
        str((await aiohttp_server(app)).make_url("/")), "GET", "/", origin=ORIGIN
    )
    assert said.hidden_headers == ()
    assert "Date" in str(said)
    assert "Hidden:" not in str(said)


async def test_a_server_that_refuses_the_preflight_does_not_get_the_request(
    aiohttp_server: AiohttpServer,
) -> None:
    async def never(request: web.Request) -> web.Response:
        raise AssertionError

    app = web.Application()
    aiohttp_cors.setup(app).add(app.router.add_put("/", never), ALLOWED)
    url = str((await aiohttp_server(app)).make_url("/"))
    said = await explain_url(url, "PUT", "/", origin=ORIGIN, headers={"X-A": "1"}, credentials=True)
    assert said.blocked is not None
    assert said.blocked.reason == "headers are not allowed: X-A"
    assert said.blocked.layer is None
    assert said.blocked.mend is not None
    assert " ".join(said.blocked.mend.python.split()) == (
        f'"{ORIGIN}": ResourceOptions( allow_credentials=True, allow_headers=["X-A"], ),'
    )


async def test_redirects_are_followed_as_a_browser_does(aiohttp_server: AiohttpServer) -> None:
    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(request.query["to"])

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=ALLOWED)
    cors.add(app.router.add_get("/moved", moved))
    cors.add(app.router.add_get("/new", hello))
    url = str((await aiohttp_server(app)).make_url("/"))
    said = await explain_url(url, "GET", "/moved?to=/new", origin=ORIGIN)
    assert said.readable
    assert [exchange.url for exchange in said.exchanges] == [f"{url}moved?to=/new", f"{url}new"]
    said = await explain_url(url, "GET", "/moved?to=ftp://x/", origin=ORIGIN)
    assert said.blocked is not None
    assert said.blocked.step == "HTTP-redirect fetch, step 6"
