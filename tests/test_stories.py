"""What users have asked for, each a story over a real socket, told by the code of a how-to."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, hdrs, web

from aiohttp_cors.testing import CorsError, Page

from . import _snippets
from ._support import ACAC, ACAM, ACAO, ACMA, cors_headers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path
    from typing import TypeAlias

    from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

    from ._support import Client

    Story: TypeAlias = Callable[..., Awaitable[Client]]

APP = "https://app.example"
EVIL = "https://evil.example"


@pytest.fixture
def tell(tmp_path: Path, aiohttp_client: AiohttpClient) -> Story:
    """Starts an application of a how-to page: the last one, or that of the given number."""

    async def start(name: str, number: int = -1) -> Client:
        page = _snippets.DOCS / "howto" / f"{name}.rst"
        client: Client = await aiohttp_client(_snippets.run(page, tmp_path).apps[number])
        return client

    return start


async def refused(page: Page, path: str, method: str = "GET", **options: Any) -> CorsError:
    """The error with which a browser refuses a fetch."""
    with pytest.raises(CorsError) as refusal:
        await page.fetch(path, method, **options)
    return refusal.value


# Any localhost port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("port", ["", ":1", ":3000", ":65535"])
async def test_any_port_of_localhost_may_read_during_development(
    tmp_path: Path, aiohttp_client: AiohttpClient, host: str, port: str
) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "localhost.rst", tmp_path)
    app: web.Application = run.namespace["make_app"](development=True)
    client: Client = await aiohttp_client(app)
    page = Page(client, f"http://{host}{port}")
    response = await page.fetch(
        "/hello", "PUT", headers={"Content-Type": "application/json"}, credentials="include"
    )
    assert await response.json() == {"hello": "page"}


@pytest.mark.parametrize(
    "origin",
    ["https://localhost:3000", "http://localhost.evil.example", "http://evil.example:3000", "null"],
)
async def test_what_is_no_port_of_localhost_may_not(
    tmp_path: Path, aiohttp_client: AiohttpClient, origin: str
) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "localhost.rst", tmp_path)
    app: web.Application = run.namespace["make_app"](development=True)
    client: Client = await aiohttp_client(app)
    page = Page(client, origin)
    assert (await refused(page, "/hello")).header == ACAO


async def test_localhost_may_not_read_in_production(tell: Story) -> None:
    client = await tell("localhost")
    assert (await Page(client, APP).fetch("/hello")).ok
    assert (await refused(Page(client, "http://localhost:3000"), "/hello")).header == ACAO


# Subdomains


@pytest.mark.parametrize(
    ("origin", "credentials"),
    [
        ("https://example.com", True),
        ("https://a.example.com", True),
        ("https://a.b.example.com", True),
        ("https://a.staging.example.com", True),
        ("https://a.staging.example.com:8443", False),
        ("https://pr-17.preview.example", False),
    ],
)
async def test_subdomains_may_read_with_what_their_pattern_gives(
    tell: Story, origin: str, credentials: bool
) -> None:
    page = Page(await tell("subdomains"), origin)
    assert (await page.fetch("/hello")).ok
    if credentials:
        assert (await page.fetch("/hello", credentials="include")).ok
    else:
        assert (await refused(page, "/hello", credentials="include")).header == ACAC


@pytest.mark.parametrize(
    "origin",
    [
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://badexample.com",
        "https://example.com.evil.io",
        "https://pr-17.preview.example.evil.io",
        "https://pr-x.preview.example",
    ],
)
async def test_what_only_looks_like_a_subdomain_may_not(tell: Story, origin: str) -> None:
    assert (await refused(Page(await tell("subdomains"), origin), "/hello")).header == ACAO


async def test_an_ill_formed_pattern_is_refused_when_it_is_configured(tmp_path: Path) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "subdomains.rst", tmp_path)
    messages = run.transcript.splitlines()
    assert len([one for one in messages if one.startswith("origin pattern ")]) == 4


# Dynamic origins: many tenants


async def test_each_tenant_may_read_what_is_its_own(tell: Story) -> None:
    client = await tell("tenants")
    acme, initech = (
        Page(client, "https://shop.acme.example"),
        Page(client, "https://initech.example"),
    )
    json = {"Content-Type": "application/json"}
    for page, tenant in ((acme, "acme"), (initech, "initech")):
        response = await page.fetch(
            f"/{tenant}/orders", "POST", headers=json, credentials="include"
        )
        assert (await response.json())["tenant"] == tenant
    assert (await refused(initech, "/acme/orders")).header == ACAO
    assert (await refused(acme, "/initech/orders", "POST", headers=json)).during == "preflight"


async def test_a_tenant_that_signs_up_may_read_from_then_on(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "tenants.rst", tmp_path)
    client: Client = await aiohttp_client(run.application())
    page = Page(client, "https://new.example")
    await refused(page, "/new/orders")
    run.application()[run.namespace["TENANTS"]]["new"] = {"https://new.example"}
    assert (await page.fetch("/new/orders")).ok


async def test_the_answer_about_a_tenant_is_kept(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "tenants.rst", tmp_path)
    client: Client = await aiohttp_client(run.application())
    assert (await Page(client, "https://a.tenant.example").fetch("/status")).ok
    await refused(Page(client, EVIL), "/status")
    assert {origin: found for origin, (found, _) in run.namespace["KEPT"].items()} == {
        "https://a.tenant.example": True,
        EVIL: False,
    }


# One call for a whole application


async def test_one_call_enables_a_whole_application_with_what_comes_later(tell: Story) -> None:
    client = await tell("whole-application")
    page = Page(client, APP)
    assert await (await page.fetch("/articles/")).json() == ["first", "second"]
    saved = await page.fetch(
        "/articles/first", "PUT", body="{}", headers={"Content-Type": "application/json"}
    )
    assert await saved.json() == {}
    assert (await refused(page, "/articles/first", "DELETE")).during == "preflight"
    await refused(Page(client, EVIL), "/articles/")


async def test_a_whole_application_has_its_static_files_enabled(tell: Story) -> None:
    page = Page(await tell("whole-application"), APP)
    assert "Be kind" in await (await page.fetch("/files/terms.html")).text()
    assert (await page.fetch("/files/nothing.html")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/articles/third", 404, "There is no such article."),
        ("GET", "/nowhere", 404, "404: Not Found"),
        ("POST", "/articles/first", 405, "405: Method Not Allowed"),
    ],
    ids=["raised", "unmatched", "method"],
)
async def test_a_page_can_read_errors_of_a_whole_application(
    tell: Story, method: str, path: str, status: int, text: str
) -> None:
    response = await Page(await tell("whole-application"), APP).fetch(path, method)
    assert (response.status, await response.text()) == (status, text)


async def test_a_page_can_follow_the_redirects_of_normalize_path_middleware(tell: Story) -> None:
    response = await Page(await tell("whole-application"), APP).fetch("/articles")
    assert response.redirected
    assert await response.json() == ["first", "second"]


async def test_a_route_of_a_whole_application_may_have_its_own_config(tell: Story) -> None:
    client = await tell("whole-application")
    for origin in (APP, EVIL):
        assert (await Page(client, origin).fetch("/statistics")).ok


# '*' routes, and OPTIONS handlers of one's own


async def test_a_graphql_endpoint_for_all_methods_may_be_used(tell: Story) -> None:
    client = await tell("graphql", 0)
    page = Page(client, APP)
    response = await page.fetch(
        "/graphql", "POST", body='{"query": "{me}"}', headers={"Content-Type": "application/json"}
    )
    assert await response.json() == {"data": {"query": "{me}"}}
    assert [sent.method for sent in page.preflights] == ["OPTIONS"]
    await refused(Page(client, EVIL), "/graphql")


async def test_an_options_handler_of_its_own_is_served_beside_preflights(tell: Story) -> None:
    client = await tell("graphql")
    page = Page(client, APP)
    created = await page.fetch("/uploads/", "POST", headers={"Tus-Resumable": "1.0.0"})
    assert (created.status, created.headers["Location"]) == (201, "/uploads/17")
    sent = await page.fetch(
        "/uploads/17",
        "PATCH",
        body=b"12345",
        headers={"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"},
    )
    assert sent.headers["Upload-Offset"] == "5"
    # What the page sends itself is preceded by a preflight, and comes to the handler.
    abilities = await page.fetch("/uploads/", "OPTIONS")
    assert (abilities.status, abilities.headers["Tus-Version"]) == (204, "1.0.0")
    assert (await client.options("/uploads/")).headers["Tus-Version"] == "1.0.0"


# Authentication middleware


async def test_authentication_middleware_does_not_see_preflights(tell: Story) -> None:
    client = await tell("authentication")
    page = Page(client, APP)
    response = await page.fetch("/account", headers={"Authorization": "Bearer valid"})
    assert await response.json() == {"name": "Ada"}
    assert (await client.options("/account")).status == 401


async def test_a_page_can_read_that_it_is_signed_out(tell: Story) -> None:
    response = await Page(await tell("authentication"), APP).fetch(
        "/account", headers={"Authorization": "Bearer expired"}
    )
    assert (response.status, await response.text()) == (401, "Sign in first.")


# Sub-applications and domains


async def test_each_sub_application_has_its_own_pages(tell: Story) -> None:
    client = await tell("sub-applications", 0)
    app, admin = Page(client, APP), Page(client, "https://admin.example")
    assert (await app.fetch("/api/version", "PUT")).ok
    assert (await admin.fetch("/admin/version", "PUT", credentials="include")).ok
    await refused(app, "/admin/version")
    await refused(admin, "/api/version")
    await refused(app, "/version")


async def test_a_page_can_read_the_404_of_a_sub_application(tell: Story) -> None:
    page = Page(await tell("sub-applications", 0), APP)
    assert (await page.fetch("/api/nothing")).status == 404
    await refused(page, "/nothing")


async def test_a_sub_application_may_bring_a_setup_of_its_own(tell: Story) -> None:
    client = await tell("sub-applications", 1)
    assert (await Page(client, "https://shop.example").fetch("/shop/items")).ok
    await refused(Page(client, APP), "/shop/items")


@pytest.mark.parametrize(
    ("host", "status", "origin"),
    [("api.example.com", 200, "https://www.example.com"), ("other.example.com", 404, None)],
)
async def test_a_domain_is_an_application_like_any_other(
    tell: Story, host: str, status: int, origin: str | None
) -> None:
    client = await tell("sub-applications", 2)
    sent = {hdrs.HOST: host, hdrs.ORIGIN: "https://www.example.com"}
    response = await client.get("/version", headers=sent)
    expected = {} if origin is None else {ACAO: origin, ACAC: "true"}
    assert (response.status, cors_headers(response)) == (status, expected)


# Narrowing with None


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/news", ["app", "billing", "old", "other"]),
        ("/account", ["app"]),
        ("/billing", ["billing"]),
    ],
)
async def test_none_takes_an_inherited_origin_away(
    tell: Story, path: str, allowed: list[str]
) -> None:
    client = await tell("narrowing")
    readable: list[str] = []
    for name in ("app", "billing", "old", "other"):
        origin = f"https://{name}.example"
        response = await client.get(path, headers={hdrs.ORIGIN: origin})
        if cors_headers(response).get(ACAO) == origin:
            readable.append(name)
    assert readable == allowed


async def test_a_pattern_with_none_takes_away_what_the_star_grants(tell: Story) -> None:
    client = await tell("narrowing")
    await refused(Page(client, "https://www.rival.example"), "/prices")
    assert (await Page(client, "https://other.example").fetch("/prices")).ok


# WebSocket handshakes


@pytest.mark.parametrize("origin", [APP, None], ids=["page", "program"])
async def test_a_websocket_is_opened_for_those_who_are_allowed(
    tell: Story, origin: str | None
) -> None:
    async with (await tell("websockets")).ws_connect("/messages", origin=origin) as socket:
        assert await socket.receive_str() == "hello"


async def test_a_websocket_is_opened_for_the_servers_own_pages(tell: Story) -> None:
    client = await tell("websockets")
    own = str(client.make_url("/").origin())
    async with client.ws_connect("/messages", origin=own) as socket:
        assert await socket.receive_str() == "hello"


async def test_a_websocket_is_refused_to_a_foreign_page(tell: Story) -> None:
    client = await tell("websockets")
    with pytest.raises(WSServerHandshakeError, match="403"):
        await client.ws_connect("/messages", origin=EVIL)


# The other how-to pages


async def test_a_view_gives_each_method_to_its_pages(tell: Story) -> None:
    client = await tell("class-views")
    app, admin, other = (Page(client, f"https://{name}.example") for name in ("app", "admin", "x"))
    json = {"Content-Type": "application/json"}
    assert (await other.fetch("/article")).ok
    assert (await app.fetch("/article", "PUT", body="{}", headers=json)).ok
    assert (await admin.fetch("/article", "DELETE", credentials="include")).status == 204
    await refused(other, "/article", "PUT", body="{}", headers=json)
    await refused(other, "/article", "DELETE")


async def test_the_methods_of_a_view_are_for_all_whom_the_defaults_let_in(tell: Story) -> None:
    page = Page(await tell("class-views", 0), "https://other.example")
    assert (await page.fetch("/article", "DELETE")).status == 204


async def test_a_view_may_decide_by_itself(tell: Story) -> None:
    client = await tell("class-views")
    preview, other = Page(client, "https://preview.example"), Page(client, APP)
    assert (await preview.fetch("/draft?preview=1")).ok
    await refused(other, "/draft?preview=1")
    assert (await other.fetch("/draft")).ok


async def test_a_page_may_read_a_part_of_a_static_file(tell: Story) -> None:
    page = Page(await tell("static-files"), APP)
    response = await page.fetch("/public/places.json", headers={"Range": "bytes=0-9"})
    assert (response.status, await response.text()) == (206, '{"places":')
    assert response.headers["Content-Range"] == "bytes 0-9/40"
    assert page.preflights == []


async def test_a_page_may_sign_in_with_a_cookie(tell: Story) -> None:
    client = await tell("credentials")
    page = Page(client, APP)
    await page.fetch(
        "/session",
        "POST",
        body='{"name": "Ada"}',
        headers={"Content-Type": "application/json"},
        credentials="include",
    )
    jar = client.session.cookie_jar
    [cookie] = jar
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)
    # The server of this test has no TLS, so that the cookie would not be sent as it is.
    jar.clear()
    jar.update_cookies({"session": cookie.value}, client.make_url("/"))
    answer = await page.fetch("/session", credentials="include")
    assert await answer.json() == {"name": "Ada"}
    assert await (await page.fetch("/session")).json() == {"name": None}
    await refused(Page(client, EVIL), "/session", credentials="include")


async def test_a_page_may_send_a_token_without_credentials(tell: Story) -> None:
    page = Page(await tell("credentials"), APP)
    assert (await page.fetch("/account", headers={"Authorization": "Bearer x"})).ok
    assert (await refused(page, "/account", credentials="include")).header == ACAC


@pytest.mark.parametrize("number", [0, 1], ids=["loop", "application"])
async def test_what_worked_with_081_works(tell: Story, number: int) -> None:
    page = Page(await tell("from-0.8.1", number), APP)
    response = await page.fetch("/", "POST", headers={"X-Any": "1"}, credentials="include")
    assert await response.text() == "hello"


async def test_what_aiohttp_middlewares_did_is_done(tell: Story) -> None:
    client = await tell("from-aiohttp-middlewares", 0)
    for origin in (APP, "http://localhost", "http://localhost:3000"):
        page = Page(client, origin)
        sent = {"X-CSRFToken": "1", "X-Requested-With": "fetch"}
        assert (await page.fetch("/api/hello", "PUT", headers=sent, credentials="include")).ok
    await refused(Page(client, "http://localhost.evil.example"), "/api/hello")


async def test_urls_of_aiohttp_middlewares_are_a_sub_application(tell: Story) -> None:
    page = Page(await tell("from-aiohttp-middlewares", 1), APP)
    assert (await page.fetch("/api/hello")).ok
    await refused(page, "/")


async def test_headers_by_hand_gave_every_page_the_session_and_lost_errors(tell: Story) -> None:
    page = Page(await tell("from-headers-by-hand", 0), EVIL)
    assert (await page.fetch("/notes", credentials="include")).ok
    assert (await refused(page, "/notes", "DELETE", credentials="include")).during == "actual"


async def test_what_replaces_headers_by_hand_gives_the_session_to_one_page(tell: Story) -> None:
    client = await tell("from-headers-by-hand", 1)
    assert (await Page(client, APP).fetch("/notes", "DELETE", credentials="include")).status == 403
    await refused(Page(client, EVIL), "/notes", credentials="include")


async def test_headers_are_copied_without_those_of_cors(tmp_path: Path) -> None:
    run = _snippets.run(_snippets.DOCS / "howto" / "from-headers-by-hand.rst", tmp_path)
    copied = run.namespace["without_cors"]({ACAO: "*", "X-Total": "1", ACAC.lower(): "true"})
    assert copied == {"X-Total": "1"}


# A proxy with a cache in front


@pytest.fixture
async def nginx(tmp_path: Path, aiohttp_server: AiohttpServer) -> AsyncGenerator[str, None]:
    """The nginx of the page on proxies, in front of its application; its URL."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed")
    run = _snippets.run(_snippets.DOCS / "howto" / "proxy.rst", tmp_path)
    server = await aiohttp_server(run.application())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    configuration = (tmp_path / "nginx.conf").read_text()
    for page_has, test_has in {
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{server.make_url('/').port}",
        # An nginx of the system's has its directories where only it may write.
        "events {}": "pid nginx.pid;\nevents {}" + "\nuser root;" * (os.geteuid() == 0),
        "http {": "http {\naccess_log off;\n"
        + "".join(
            f"{kind}_temp_path temporary_{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }.items():
        assert page_has in configuration
        configuration = configuration.replace(page_has, test_has, 1)
    (tmp_path / "nginx.conf").write_text(configuration)
    process = await asyncio.create_subprocess_exec(
        program, "-p", tmp_path, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"
    )
    try:
        await _snippets.listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_cache_in_front_keeps_origins_apart(nginx: str) -> None:
    seen: list[tuple[str, str | None, str | None]] = []
    async with ClientSession() as session:
        for origin in (APP, EVIL, "https://a.partner.example", APP, EVIL):
            async with session.get(f"{nginx}/news", headers={hdrs.ORIGIN: origin}) as response:
                assert (await response.json())["for"] == origin
                seen.append((origin, response.headers.get(ACAO), response.headers.get("X-Cache")))
    assert seen == [
        (APP, APP, "MISS"),
        (EVIL, None, "MISS"),
        ("https://a.partner.example", "https://a.partner.example", "MISS"),
        (APP, APP, "HIT"),
        (EVIL, None, "HIT"),
    ]


async def test_preflights_pass_a_proxy(nginx: str) -> None:
    asks = {hdrs.ORIGIN: APP, hdrs.ACCESS_CONTROL_REQUEST_METHOD: "PUT"}
    async with (
        ClientSession() as session,
        session.options(f"{nginx}/news", headers=asks) as response,
    ):
        assert (response.status, cors_headers(response)) == (
            200,
            {ACAO: APP, ACAM: "PUT", ACMA: "3600"},
        )
