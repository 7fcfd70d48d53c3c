"""What `audit` lists: what the pages of other origins may do, and what is unwise about it."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from aiohttp import web

import aiohttp_cors
from aiohttp_cors import CorsConfig, CorsViewMixin, ResourceOptions, custom_cors
from aiohttp_cors._audit import audit
from aiohttp_cors._explain import explain
from aiohttp_cors.abc import AbstractRouterAdapter

from ._snippets import DOCS
from ._support import ORIGIN, OTHER, STATIC_DIR, hello

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp_cors._audit import Audit
    from aiohttp_cors._policy import Config
    from aiohttp_cors.abc import Handler

PLAIN = ResourceOptions()
COOKIES = ResourceOptions(allow_credentials=True)
ALLOWED: Config = {ORIGIN: PLAIN}


def granted(audited: Audit) -> list[tuple[str, str, str, str]]:
    """Path, origin, methods and layer of each grant."""
    return [(one.path, one.origin, " ".join(one.methods), one.layer) for one in audited.grants]


def without(audited: Audit) -> list[tuple[str, str]]:
    return [(one.path, " ".join(one.methods)) for one in audited.without_cors]


def undecided(audited: Audit) -> list[tuple[str, str, str]]:
    return [(one.serves, " ".join(one.methods), one.by) for one in audited.undecided]


def shop() -> web.Application:
    """A bit of everything."""
    api = web.Application()
    api_cors = aiohttp_cors.setup(api)
    api_cors.add(
        api,
        {
            "https://*.app.example": ResourceOptions(
                allow_headers=["X-Token", "X-Draft"], expose_headers=["X-Total"], max_age=60
            )
        },
    )
    api.router.add_get("/x", hello)
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": COOKIES})
    cors.add(app.router.add_get("/news", hello))
    cors.add(app.router.add_static("/files", STATIC_DIR), {f"{ORIGIN}/": PLAIN})
    app.router.add_post("/closed", hello)
    app.add_subapp("/api", api)
    return app


# --- the value --------------------------------------------------------------------------------


def test_the_text_lists_grants_then_the_rest() -> None:
    assert str(audit(shop())) == textwrap.dedent("""\
        /api (what no route serves)
          https://*.app.example: without a preflight GET, HEAD, POST
              request headers X-DRAFT, X-TOKEN; exposes X-Total; max-age 60
              from application
        /api/x
          https://*.app.example: GET, HEAD
              request headers X-DRAFT, X-TOKEN; exposes X-Total; max-age 60
              from application
        /files
          *: GET, HEAD
              credentials
              from defaults
          https://page.example/: GET, HEAD
              from <StaticResource /files>
        /news
          *: GET, HEAD
              credentials
              from defaults
        Without CORS
          /closed: POST
        Findings
          CORS001 <StaticResource /files>: origin 'https://page.example/': no browser
              sends such an origin: it ends in a slash; did you mean
              'https://page.example'?
          CORS010 defaults: allow_credentials True for '*': any page on the web can read
              whatever its visitors can, with their cookies; name the origins that may,
              or leave allow_credentials out""")


def test_the_dictionary_has_a_version_and_everything_and_is_json() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": COOKIES})
    cors.add(app.router.add_put("/news", hello))
    options = ResourceOptions(allow_headers=["Origin"], expose_headers=["X-A"], max_age=5)
    cors.add(app, {ORIGIN: options})
    app.router.add_get("/own", hello)
    told = audit(app).to_dict()
    assert json.loads(json.dumps(told)) == told
    finding = told["findings"].pop(0)
    assert (finding.pop("reason"), finding.pop("remedy")) != ("", "")
    assert finding == {
        "code": "CORS010",
        "place": "defaults",
        "origin": "*",
        "option": "allow_credentials",
        "value": True,
        "problem": True,
    }
    assert [(one["code"], one["problem"]) for one in told.pop("findings")] == [("CORS022", False)]
    assert told.pop("grants")[-1] == {
        "serves": "route",
        "path": "/own",
        "origin": ORIGIN,
        "kind": "exact",
        "methods": ["GET", "HEAD"],
        "simple_methods": [],
        "allow_headers": ["ORIGIN"],
        "expose_headers": ["X-A"],
        "allow_credentials": False,
        "max_age": 5,
        "layer": "application",
    }
    assert told == {"version": 1, "undecided": [], "without_cors": []}


def test_what_is_undecided_and_without_cors_is_in_the_dictionary() -> None:
    class Notes(CorsViewMixin, web.View):
        @classmethod
        def get_request_config(
            cls, request: web.Request, request_method: str
        ) -> Mapping[Any, ResourceOptions]:
            raise AssertionError

        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    app.router.add_view("/own", Notes)
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/notes", Notes))
    app.router.add_delete("/closed", hello)
    audited = cors.audit()
    by = f"{Notes.__qualname__}.get_request_config"
    assert audited.to_dict() == {
        "version": 1,
        "grants": [],
        "undecided": [{"serves": "route", "path": "/notes", "methods": ["GET"], "by": by}],
        "without_cors": [
            {"path": "/closed", "methods": ["DELETE"]},
            {"path": "/own", "methods": ["GET"]},
        ],
        "findings": [],
    }
    assert "".join(str(audited).split()) == (
        "Nothingcanbereadbythepagesofotherorigins."
        f"Decidedwhenarequestcomes/notes:GET,by{by}"
        "WithoutCORS/closed:DELETE/own:GETNofindings"
    )


def test_the_same_application_is_audited_alike_however_it_was_put_together() -> None:
    def built(names: list[str], origins: list[str]) -> Audit:
        app = web.Application()
        cors = aiohttp_cors.setup(app)
        for name in names:
            cors.add(app.router.add_get(f"/{name}", hello), dict.fromkeys(origins, COOKIES))
            app.router.add_post(f"/{name}", hello)
        return cors.audit()

    origins = ["http://a.example", "http://b.example", "https://c.example"]
    there, back = built(["x", "y", "z"], origins), built(["z", "y", "x"], origins[::-1])
    assert there == back
    assert hash(there) == hash(back)
    assert str(there) == str(back)
    assert [one.path for one in there.grants] == sorted(one.path for one in there.grants)
    assert len(there.findings) == 6


def test_no_line_is_longer_than_80_columns() -> None:
    many = [f"X-A-Header-Of-Quite-Some-Length-{number}" for number in range(30)]
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={f"https://{'long' * 40}.example/": PLAIN})
    options = ResourceOptions(allow_headers=many, expose_headers=many)
    cors.add(app.router.add_get("/" + "path" * 40, hello), {"http://*.example": options})
    app.router.add_get("/" + "closed" * 40, hello)
    audited = cors.audit()
    assert audited.findings
    assert max(map(len, str(audited).splitlines())) <= 80


# --- what is looked at ------------------------------------------------------------------------


def test_a_route_has_the_origins_of_all_its_layers_the_nearest_first() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: COOKIES, "*": PLAIN})
    resource = app.router.add_resource("/")
    cors.add(resource, {OTHER: PLAIN})
    cors.add(resource.add_route("PUT", hello), {ORIGIN: PLAIN})
    cors.add(resource.add_route("GET", hello), {OTHER: None, "null": PLAIN})
    assert granted(cors.audit()) == [
        ("/", "*", "GET PUT", "defaults"),
        ("/", OTHER, "PUT", "<PlainResource />"),
        ("/", ORIGIN, "PUT", "[PUT] /"),
        ("/", ORIGIN, "GET", "defaults"),
        ("/", "null", "GET", "[GET] /"),
    ]


def test_the_kinds_of_keys_are_told_apart() -> None:
    def anybody(_request: web.Request, _origin: str) -> bool:
        raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    expression = re.compile("https://.*")
    config: Config = dict.fromkeys(["*", ORIGIN, "http://a.example:*", expression, anybody], PLAIN)
    cors.add(app.router.add_get("/", hello), config)
    assert {one.origin.rpartition(".")[2]: one.kind for one in cors.audit().grants} == {
        "*": "any",
        "example": "exact",
        "example:*": "wildcard",
        "*')": "expression",
        "anybody": "callable",
    }


def test_a_key_that_no_origin_matches_grants_nothing() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/", hello), {"page example": PLAIN, ORIGIN: PLAIN})
    audited = cors.audit()
    assert granted(audited) == [("/", ORIGIN, "GET HEAD", "[GET] /")]
    assert [one.origin for one in audited.findings] == ["page example"]


def test_a_method_that_was_not_added_is_without_cors() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_get("/", hello), ALLOWED)
    app.router.add_delete("/", hello)
    app.router.add_post("/", hello)
    audited = cors.audit()
    assert granted(audited) == [("/", ORIGIN, "GET HEAD", "[GET] /")]
    assert without(audited) == [("/", "DELETE POST")]


def test_what_allow_methods_names_is_granted_without_being_added() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    cors.add(resource, {ORIGIN: ResourceOptions(allow_methods=["PUT"])})
    for method in ("PUT", "DELETE"):
        resource.add_route(method, hello)
    assert granted(cors.audit()) == [("/", ORIGIN, "PUT", "<PlainResource />")]
    assert without(cors.audit()) == [("/", "DELETE")]


def test_a_post_that_was_not_added_is_readable_as_long_as_no_preflight_is_needed() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = app.router.add_resource("/")
    cors.add(resource, ALLOWED)
    for method in ("POST", "PUT"):
        resource.add_route(method, hello)
    [grant] = cors.audit().grants
    assert (grant.methods, grant.simple_methods) == ((), ("POST",))
    assert without(cors.audit()) == [("/", "PUT")]


def test_a_route_for_all_methods_grants_all() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_route("*", "/", hello), ALLOWED)
    assert granted(cors.audit()) == [("/", ORIGIN, "*", "[*] /")]


def test_a_view_grants_the_methods_that_it_has_by_the_config_of_each() -> None:
    class Notes(CorsViewMixin, web.View):
        cors_config: ClassVar[Config | None] = ALLOWED

        async def get(self) -> web.Response:
            raise AssertionError

        @custom_cors({OTHER: COOKIES})
        async def put(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={"*": PLAIN})
    cors.add(app.router.add_view("/", Notes))
    name = f"view {Notes.__qualname__}"
    assert granted(cors.audit()) == [
        ("/", "*", "GET PUT", "defaults"),
        ("/", OTHER, "PUT", f"{name}.put"),
        ("/", ORIGIN, "GET PUT", name),
    ]


def test_a_view_without_the_mixin_is_without_cors() -> None:
    class Notes(web.View):
        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults=ALLOWED)
    app.router.add_view("/", Notes)
    audited = cors.audit()
    assert granted(audited) == []
    assert [one.path for one in audited.without_cors] == ["/"]


def test_an_application_that_was_added_lets_pages_read_what_no_route_serves() -> None:
    inner, app = web.Application(), web.Application()
    inner.router.add_get("/x", hello)
    cors = aiohttp_cors.setup(app)
    cors.add(app, ALLOWED)
    app.add_subapp("/inner", inner)
    audited = cors.audit()
    assert [(one.path, one.serves, one.simple_methods) for one in audited.grants] == [
        ("/", "unmatched", ("GET", "HEAD", "POST")),
        ("/inner/x", "route", ()),
    ]


def test_of_two_configs_the_headers_of_the_first_stand() -> None:
    app = web.Application()
    route = app.router.add_get("/", hello)
    first = aiohttp_cors.setup(app)
    first.add(route, {ORIGIN: PLAIN})
    second = aiohttp_cors.setup(app)
    second.add(route, {ORIGIN: COOKIES, OTHER: COOKIES})
    assert [(one.origin, one.allow_credentials) for one in second.audit().grants] == [
        (OTHER, True),
        (ORIGIN, False),
    ]


def test_after_everybody_is_allowed_a_second_config_adds_nobody() -> None:
    app = web.Application()
    route = app.router.add_get("/", hello)
    aiohttp_cors.setup(app).add(route, {"*": PLAIN})
    cors = aiohttp_cors.setup(app)
    cors.add(route, {ORIGIN: COOKIES})
    assert [one.origin for one in cors.audit().grants] == ["*"]


def test_an_application_without_cors_is_audited_too() -> None:
    app = web.Application()
    app.router.add_get("/", hello)
    audited = audit(app)
    assert (granted(audited), without(audited)) == ([], [("/", "GET HEAD")])


def test_what_a_router_adapter_of_somebodys_own_decides_is_undecided() -> None:
    class Adapter(AbstractRouterAdapter):
        def add_preflight_handler(
            self, routing_entity: web.Resource, handler: Handler, webview: bool = False
        ) -> None:
            routing_entity.add_route("OPTIONS", handler)

        def is_preflight_request(self, request: web.Request) -> bool:
            raise AssertionError

        def is_cors_enabled_on_request(self, request: web.Request) -> bool:
            raise AssertionError

        def set_config_for_routing_entity(
            self, routing_entity: Any, config: Mapping[Any, Any]
        ) -> None:
            assert config

        async def get_preflight_request_config(
            self, preflight_request: web.Request, origin: str, requested_method: str
        ) -> Mapping[Any, Any]:
            raise AssertionError

        def get_non_preflight_request_config(self, request: web.Request) -> Mapping[Any, Any]:
            raise AssertionError

    app = web.Application()
    cors = CorsConfig(app, router_adapter=Adapter())
    resource = app.router.add_resource("/")
    resource.add_route("PUT", hello)
    cors.add(resource, ALLOWED)
    audited = cors.audit()
    assert undecided(audited) == [
        ("route", "PUT", "a router adapter"),
        ("unmatched", "GET HEAD POST", "a router adapter"),
    ]
    assert "/ (what no route serves): GET, HEAD, POST, by a router adapter" in str(audited)


def test_a_view_with_a_config_that_is_ill_formed_is_a_value_error() -> None:
    class Notes(CorsViewMixin, web.View):
        async def get(self) -> web.Response:
            raise AssertionError

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_view("/", Notes))
    Notes.cors_config = {ORIGIN: {"max_age": "soon"}}  # type: ignore[dict-item]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="max_age"):
        cors.audit()


# --- its form ---------------------------------------------------------------------------------


def keys(told: Any) -> set[str]:
    """All keys, however deep."""
    return set(re.findall(r'"(\w+)": ', json.dumps(told)))


async def test_the_documentation_has_every_key_of_both_forms() -> None:
    of_audit, _, of_explain = (
        (DOCS / "reference" / "audit.rst").read_text("utf-8").partition("\nexplain\n")
    )
    app = shop()
    audited = audit(app).to_dict()
    said = (await explain(app, "PUT", "/news", origin=ORIGIN)).to_dict()
    assert keys(json_of(of_audit)) == keys(audited) | {"by"}
    assert keys(json_of(of_explain)) == keys(said)
    for key in keys(audited) - {"code", "place", "option", "value", "reason", "remedy"}:
        assert f"``{key}``" in of_audit
    for key in keys(said):
        assert f"``{key}``" in of_explain


def json_of(text: str) -> Any:
    """The block of JSON in a part of the page."""
    block = text.partition(".. code-block:: json\n")[2]
    return json.JSONDecoder().raw_decode(block.lstrip())[0]
