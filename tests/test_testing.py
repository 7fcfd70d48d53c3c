"""A page of another origin: `aiohttp_cors.testing`, over real sockets.

The applications here do not use this library: they answer with headers that were set by hand.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import pickle
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, unused_port
from multidict import CIMultiDict

from aiohttp_cors import _pytest_plugin
from aiohttp_cors.testing import CorsError, Page, SentRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from typing import TypeAlias

    from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

    from aiohttp_cors._browser import Credentials

    Client: TypeAlias = TestClient[web.Request, web.Application]

ROOT = Path(__file__).parent.parent
PAGE = "https://app.example"

ALLOW = {"Access-Control-Allow-Origin": PAGE}
ALLOW_NULL = {"Access-Control-Allow-Origin": "null"}
ALLOW_CREDENTIALS = {**ALLOW, "Access-Control-Allow-Credentials": "true"}
ALLOW_PUT = {**ALLOW, "Access-Control-Allow-Methods": "PUT"}


def redirect(location: str, headers: Mapping[str, str] = ALLOW, status: int = 302) -> Answer:
    return Answer({**headers, "Location": location}, status=status)


@dataclass
class Answer:
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int = 200
    body: bytes = b""


@dataclass
class Seen:
    """A request as it reached the server."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def get(self, *names: str) -> tuple[str | None, ...]:
        return tuple(self.headers.get(name) for name in names)


@dataclass
class Backend:
    """A server that gives each `METHOD /path` its answer, and remembers what it was asked."""

    answers: Mapping[str, Answer]
    seen: list[Seen] = field(default_factory=list[Seen])

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.seen]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.seen.append(Seen(request.method, request.path_qs, request.headers, body))
        answer = self.answers.get(f"{request.method} {request.path_qs}", Answer(status=404))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app


@dataclass
class Site:
    """A page over a client of its backend."""

    page: Page
    backend: Backend
    client: Client


Open: TypeAlias = "Callable[..., Awaitable[Site]]"
Serve: TypeAlias = "Callable[[Mapping[str, Answer]], Awaitable[tuple[str, Backend]]]"


@pytest.fixture
def open_page(aiohttp_client: AiohttpClient) -> Open:
    async def open_page(answers: Mapping[str, Answer], **options: Any) -> Site:
        backend = Backend(answers)
        client = await aiohttp_client(backend.app())
        return Site(Page(client, **options), backend, client)

    return open_page


@pytest.fixture
def serve_other(aiohttp_server: AiohttpServer) -> Serve:
    """A server of another origin: its base URL, and what it has seen."""

    async def serve(answers: Mapping[str, Answer]) -> tuple[str, Backend]:
        backend = Backend(answers)
        server = await aiohttp_server(backend.app())
        return str(server.make_url("")).rstrip("/"), backend

    return serve


async def refused(page: Page, path: str, **options: Any) -> CorsError:
    with pytest.raises(CorsError) as caught:
        await page.fetch(path, **options)
    return caught.value


class TestReading:
    async def test_the_page_reads_an_answer_that_allows_its_origin(self, open_page: Open) -> None:
        headers = {**ALLOW, "X-A": "1", "Content-Type": "application/json"}
        site = await open_page({"GET /x?y": Answer(headers, 201, b'{"a": 1}')})

        response = await site.page.fetch("/x?y#z")

        assert response.status == 201
        assert response.ok
        assert response.type == "cors"
        assert response.url == str(site.client.make_url("/x?y"))
        assert not response.redirected
        assert await response.read() == b'{"a": 1}'
        assert await response.text() == '{"a": 1}'
        assert await response.json() == {"a": 1}
        assert dict(response.headers) == {
            "Content-Type": "application/json",
            "Content-Length": "8",
        }

    @pytest.mark.parametrize(("status", "ok"), [(200, True), (299, True), (300, False)])
    async def test_an_answer_is_ok_below_300(self, open_page: Open, status: int, ok: bool) -> None:
        site = await open_page({"GET /x": Answer(ALLOW, status)})
        assert (await site.page.fetch("/x")).ok is ok

    async def test_an_error_can_be_read_as_well(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer(ALLOW, 500, b"oops")})
        response = await site.page.fetch("/x")
        assert response.status == 500
        assert not response.ok
        assert await response.text() == "oops"

    async def test_exposed_headers_are_read_but_never_cookies(self, open_page: Open) -> None:
        headers = {
            **ALLOW,
            "Access-Control-Expose-Headers": "X-A, Set-Cookie",
            "X-A": "1",
            "X-B": "2",
            "Set-Cookie": "a=b",
            "Content-Type": "text/plain",
        }
        site = await open_page({"GET /x": Answer(headers)})
        response = await site.page.fetch("/x")
        assert set(response.headers) == {"X-A", "Content-Length", "Content-Type"}
        assert response.headers["x-a"] == "1"

    async def test_text_is_utf_8_without_a_byte_order_mark(self, open_page: Open) -> None:
        headers = {**ALLOW, "Content-Type": "text/plain; charset=latin-1"}
        site = await open_page({"GET /x": Answer(headers, body=b"\xef\xbb\xbf\xc3\xa9\xff")})
        response = await site.page.fetch("/x")
        assert await response.text() == "é\ufffd"
        with pytest.raises(json.JSONDecodeError):
            await response.json()

    async def test_an_answer_without_the_headers_is_refused(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer()})
        error = await refused(site.page, "/x")
        assert error.step == "CORS check, step 2"
        assert error.header == "Access-Control-Allow-Origin"
        assert error.during == "actual"
        assert error.request == SentRequest(
            method="GET",
            url=str(site.client.make_url("/x")),
            headers={"Accept": "*/*", "Origin": PAGE},
        )

    async def test_a_wildcard_does_not_cover_credentials(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer({"Access-Control-Allow-Origin": "*"})})
        assert (await site.page.fetch("/x", credentials="same-origin")).status == 200
        error = await refused(site.page, "/x", credentials="include")
        assert (error.step, error.header) == ("CORS check, step 4", "Access-Control-Allow-Origin")

    async def test_a_page_without_an_origin_is_null(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer(ALLOW_NULL)}, origin="null")
        assert (await site.page.fetch("/x")).type == "cors"
        assert site.backend.seen[0].get("Origin") == ("null",)


class TestSending:
    async def test_a_simple_request_is_sent_without_a_preflight(self, open_page: Open) -> None:
        site = await open_page({"POST /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="post", body="é")
        assert site.backend.lines == ["POST /x"]
        assert site.page.preflights == []
        seen = site.backend.seen[0]
        assert seen.body == "é".encode()
        assert seen.get("Origin", "Content-Type", "Accept", "Cookie") == (
            PAGE,
            "text/plain;charset=UTF-8",
            "*/*",
            None,
        )

    async def test_bytes_are_sent_without_a_content_type(self, open_page: Open) -> None:
        site = await open_page({"POST /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="POST", body=b"a")
        assert site.backend.lines == ["POST /x"]
        assert site.backend.seen[0].get("Content-Type", "Content-Length") == (None, "1")

    async def test_a_large_body_is_sent(self, open_page: Open) -> None:
        site = await open_page({"POST /x": Answer(ALLOW)})
        body = b"a" * (2**20 + 1)
        await site.page.fetch("/x", method="POST", body=body)
        assert site.backend.seen[0].body == body

    async def test_forbidden_headers_are_dropped(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer(ALLOW)})
        headers = {"Cookie": "a=b", "Origin": "https://evil.example", "Sec-Purpose": "prefetch"}
        await site.page.fetch("/x", headers=headers)
        assert site.backend.lines == ["GET /x"]
        assert site.backend.seen[0].get("Origin", "Cookie", "Sec-Purpose") == (PAGE, None, None)

    async def test_headers_may_come_as_pairs(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer(ALLOW)})
        await site.page.fetch("/x", headers=[("Accept", "a"), ("accept", "b")])
        assert CIMultiDict(site.backend.seen[0].headers).getall("Accept") == ["a", "b"]

    @pytest.mark.parametrize(
        ("options", "step"),
        [
            ({"method": "TRACE"}, "new Request(), step 25.2"),
            ({"body": "a"}, "new Request(), step 35"),
            ({"headers": {"X-A": "a\nb"}}, "Headers, validate, step 1"),
            ({"mode": "same-origin"}, "Main fetch, step 12"),
        ],
        ids=["forbidden method", "body of a GET", "no header", "mode same-origin"],
    )
    async def test_what_a_browser_refuses_beforehand_is_never_sent(
        self, open_page: Open, options: dict[str, Any], step: str
    ) -> None:
        site = await open_page({})
        error = await refused(site.page, "/x", **options)
        assert (error.step, error.during) == (step, "actual")
        assert error.request.url == str(site.client.make_url("/x"))
        assert error.request.method == options.get("method", "GET")
        assert site.backend.seen == []

    async def test_nothing_of_the_client_s_own_is_sent(self, aiohttp_client: AiohttpClient) -> None:
        backend = Backend({"GET /x": Answer(ALLOW)})
        client = await aiohttp_client(
            backend.app(), headers={"X-Client": "1", "Authorization": "secret"}
        )
        await Page(client).fetch("/x")
        assert backend.seen[0].get("X-Client", "Authorization") == (None, None)

    async def test_a_method_is_sent_in_the_case_that_browsers_send(self) -> None:
        """aiohttp's own server does not understand such methods, so this one is by hand."""
        lines: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            lines.append(head.partition(b" HTTP")[0])
            writer.write(
                b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n"
                b"Access-Control-Allow-Methods: patch\r\nContent-Length: 0\r\n\r\n"
            )
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1")
        async with server, TestClient(TestServer(web.Application())) as client:
            port = server.sockets[0].getsockname()[1]
            page = Page(client)
            assert (await page.fetch(f"http://127.0.0.1:{port}/x", method="patch")).ok
        assert lines == [b"OPTIONS /x", b"patch /x"]
        assert page.preflights[0].headers["Access-Control-Request-Method"] == "patch"


class TestPreflights:
    async def test_a_preflight_is_sent_as_a_browser_sends_it(self, open_page: Open) -> None:
        headers = {**ALLOW_PUT, "Access-Control-Allow-Headers": "authorization, x-a, x-b"}
        site = await open_page({"OPTIONS /x": Answer(headers, 204), "PUT /x": Answer(ALLOW)})

        response = await site.page.fetch(
            "/x#y",
            method="put",
            headers={"X-B": "1", "Authorization": "secret", "X-A": "2", "Accept": "3"},
            body=b"a",
        )

        assert response.status == 200
        assert site.backend.lines == ["OPTIONS /x", "PUT /x"]
        expected = {
            "Accept": "*/*",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization,x-a,x-b",
            "Origin": PAGE,
        }
        url = str(site.client.make_url("/x"))
        assert site.page.preflights == [SentRequest(method="OPTIONS", url=url, headers=expected)]
        preflight, actual = site.backend.seen
        assert preflight.get(*expected) == tuple(expected.values())
        assert preflight.get("Authorization", "Content-Type", "X-A") == (None, None, None)
        assert preflight.body == b""
        assert actual.get("X-A", "X-B", "Authorization", "Accept", "Origin") == (
            "2",
            "1",
            "secret",
            "3",
            PAGE,
        )
        assert actual.body == b"a"

    async def test_without_unsafe_headers_none_are_asked_for(self, open_page: Open) -> None:
        site = await open_page({"OPTIONS /x": Answer(ALLOW_PUT), "PUT /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="PUT")
        assert "Access-Control-Request-Headers" not in site.backend.seen[0].headers

    @pytest.mark.parametrize(
        ("answer", "step", "header"),
        [
            pytest.param(
                Answer(), "CORS check, step 2", "Access-Control-Allow-Origin", id="nothing"
            ),
            pytest.param(
                Answer(status=404),
                "CORS check, step 2",
                "Access-Control-Allow-Origin",
                id="nothing, and not ok",
            ),
            pytest.param(Answer(ALLOW_PUT, 403), "CORS-preflight fetch, step 7", None, id="403"),
            pytest.param(
                redirect("/y", ALLOW_PUT), "CORS-preflight fetch, step 7", None, id="redirect"
            ),
            pytest.param(
                Answer(ALLOW),
                "CORS-preflight fetch, step 7.5",
                "Access-Control-Allow-Methods",
                id="method",
            ),
            pytest.param(
                Answer({**ALLOW_PUT, "Access-Control-Allow-Headers": "*"}),
                "CORS-preflight fetch, step 7.6",
                "Access-Control-Allow-Headers",
                id="authorization under a wildcard",
            ),
        ],
    )
    async def test_a_refused_preflight_stops_the_fetch(
        self, open_page: Open, answer: Answer, step: str, header: str | None
    ) -> None:
        site = await open_page(
            {"OPTIONS /x": answer, "OPTIONS /y": Answer(ALLOW_PUT), "PUT /x": Answer(ALLOW)}
        )
        headers = {"Authorization": "secret"}
        error = await refused(site.page, "/x", method="PUT", headers=headers)
        assert (error.step, error.header, error.during) == (step, header, "preflight")
        assert error.request == site.page.preflights[0]
        assert site.backend.lines == ["OPTIONS /x"]

    async def test_upload_listeners_always_need_a_preflight(self, open_page: Open) -> None:
        site = await open_page({"OPTIONS /x": Answer(ALLOW), "POST /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="POST", body="a", upload_listeners=True)
        assert site.backend.lines == ["OPTIONS /x", "POST /x"]

    async def test_a_stream_needs_a_preflight_and_is_sent_once(self, open_page: Open) -> None:
        async def stream() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        site = await open_page(
            {
                "OPTIONS /x": Answer(ALLOW),
                "POST /x": Answer(ALLOW),
                "OPTIONS /r": Answer(ALLOW),
                "POST /r": redirect("/x", status=307),
            }
        )
        await site.page.fetch("/x", method="POST", body=stream())
        assert site.backend.lines == ["OPTIONS /x", "POST /x"]
        assert site.backend.seen[1].body == b"ab"
        assert site.backend.seen[1].get("Content-Type") == (None,)

        error = await refused(site.page, "/r", method="POST", body=stream())
        assert error.step == "HTTP-redirect fetch, step 11"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestPreflightCache:
    async def test_a_preflight_is_remembered_for_five_seconds(self, open_page: Open) -> None:
        clock = Clock()
        answers = {"OPTIONS /x": Answer(ALLOW_PUT), "PUT /x": Answer(ALLOW)}
        site = await open_page(answers, clock=clock)
        await site.page.fetch("/x", method="PUT")
        clock.now += 4.9
        await site.page.fetch("/x", method="PUT")
        assert len(site.page.preflights) == 1
        clock.now += 0.2
        await site.page.fetch("/x", method="PUT")
        assert len(site.page.preflights) == 2

    async def test_max_age_says_how_long_it_is_remembered(self, open_page: Open) -> None:
        clock = Clock()
        headers = {**ALLOW_PUT, "Access-Control-Max-Age": "60"}
        answers = {"OPTIONS /x": Answer(headers), "PUT /x": Answer(ALLOW)}
        site = await open_page(answers, clock=clock)
        for seconds, preflights in ((0, 1), (59, 1), (2, 2)):
            clock.now += seconds
            await site.page.fetch("/x", method="PUT")
            assert len(site.page.preflights) == preflights

    async def test_time_passes_by_itself(self, open_page: Open) -> None:
        headers = {**ALLOW_PUT, "Access-Control-Max-Age": "1"}
        site = await open_page({"OPTIONS /x": Answer(headers), "PUT /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="PUT")
        await asyncio.sleep(1.1)
        await site.page.fetch("/x", method="PUT")
        assert len(site.page.preflights) == 2

    async def test_a_preflight_of_one_mode_does_not_do_for_credentials(
        self, open_page: Open
    ) -> None:
        headers = {**ALLOW_PUT, **ALLOW_CREDENTIALS}
        site = await open_page({"OPTIONS /x": Answer(headers), "PUT /x": Answer(headers)})
        await site.page.fetch("/x", method="PUT")
        await site.page.fetch("/x", method="PUT", credentials="include")
        assert len(site.page.preflights) == 2

    async def test_a_refused_answer_is_forgotten(self, open_page: Open) -> None:
        site = await open_page({"OPTIONS /x": Answer(ALLOW_PUT)})
        for _ in range(2):
            await refused(site.page, "/x", method="PUT")
        assert site.backend.lines == ["OPTIONS /x", "PUT /x"] * 2

    async def test_a_refusal_where_no_preflight_is_needed_forgets_nothing(
        self, open_page: Open
    ) -> None:
        site = await open_page({"OPTIONS /x": Answer(ALLOW_PUT), "PUT /x": Answer(ALLOW)})
        await site.page.fetch("/x", method="PUT")
        await refused(site.page, "/x", method="GET")
        await site.page.fetch("/x", method="PUT")
        assert len(site.page.preflights) == 1

    async def test_an_unreachable_server_is_an_error_of_the_client(self, open_page: Open) -> None:
        site = await open_page({})
        url = f"http://127.0.0.1:{unused_port()}/x"
        for method in ("GET", "PUT"):
            with pytest.raises(aiohttp.ClientConnectionError):
                await site.page.fetch(url, method=method)

    async def test_an_answer_that_never_came_is_forgotten(self) -> None:
        server = TestServer(Backend({"OPTIONS /x": Answer(ALLOW_PUT)}).app())
        other = TestServer(web.Application())
        async with TestClient(other) as client:
            await server.start_server()
            page, url = Page(client), server.make_url("/x")
            with pytest.raises(CorsError):
                await page.fetch(url, method="PUT")
            await server.close()
            with pytest.raises(aiohttp.ClientConnectionError):
                await page.fetch(url, method="PUT")
            backend = Backend({"OPTIONS /x": Answer(ALLOW_PUT), "PUT /x": Answer(ALLOW)})
            async with TestServer(backend.app(), port=url.port):
                await page.fetch(url, method="PUT")
            assert backend.lines == ["OPTIONS /x", "PUT /x"]


COOKIE = {**ALLOW_CREDENTIALS, "Set-Cookie": "a=b; Path=/"}


class TestCookies:
    @pytest.mark.parametrize("credentials", ["omit", "same-origin"])
    async def test_cookies_are_neither_sent_nor_stored_without_credentials(
        self, open_page: Open, credentials: Credentials
    ) -> None:
        site = await open_page({"GET /x": Answer(COOKIE)})
        site.client.session.cookie_jar.update_cookies({"jar": "1"}, site.client.make_url("/"))
        await site.page.fetch("/x", credentials=credentials)
        assert site.backend.seen[0].get("Cookie") == (None,)
        assert [cookie.key for cookie in site.client.session.cookie_jar] == ["jar"]

    async def test_cookies_are_stored_and_sent_with_credentials(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer(COOKIE)})
        for _ in range(2):
            await site.page.fetch("/x", credentials="include")
        assert [seen.get("Cookie") for seen in site.backend.seen] == [(None,), ("a=b",)]

    async def test_cookies_are_stored_though_the_page_may_not_read(self, open_page: Open) -> None:
        site = await open_page({"GET /x": Answer({"Set-Cookie": "a=b"})})
        await refused(site.page, "/x", credentials="include")
        assert [cookie.key for cookie in site.client.session.cookie_jar] == ["a"]

    async def test_a_preflight_never_has_cookies(self, open_page: Open) -> None:
        headers = {**COOKIE, "Access-Control-Allow-Methods": "PUT", "Set-Cookie": "c=d"}
        answers = {"OPTIONS /x": Answer(headers), "PUT /x": Answer(ALLOW_CREDENTIALS)}
        site = await open_page(answers)
        site.client.session.cookie_jar.update_cookies({"a": "b"}, site.client.make_url("/"))
        await site.page.fetch("/x", method="PUT", credentials="include")
        preflight, actual = site.backend.seen
        assert (preflight.get("Cookie"), actual.get("Cookie")) == ((None,), ("a=b",))


class TestSameOrigin:
    async def open(self, open_page: Open, answers: Mapping[str, Answer]) -> Site:
        site = await open_page(answers)
        site.page = Page(site.client, str(site.client.make_url("")).rstrip("/"))
        return site

    async def test_everything_is_allowed_and_read(self, open_page: Open) -> None:
        answer = Answer({"X-A": "1", "Set-Cookie": "a=b"})
        site = await self.open(open_page, {"PUT /x": answer})
        response = await site.page.fetch(
            "/x", method="PUT", headers={"X-B": "1"}, mode="same-origin"
        )
        assert site.backend.lines == ["PUT /x"]
        assert site.backend.seen[0].get("Origin") == (str(site.client.make_url("")).rstrip("/"),)
        assert response.type == "basic"
        assert response.headers["X-A"] == "1"
        assert "Set-Cookie" not in response.headers

    async def test_a_get_has_no_origin(self, open_page: Open) -> None:
        site = await self.open(open_page, {"GET /x": Answer()})
        await site.page.fetch("/x")
        assert site.backend.seen[0].get("Origin") == (None,)

    @pytest.mark.parametrize(
        ("credentials", "cookie"), [("omit", None), ("same-origin", "a=b"), ("include", "a=b")]
    )
    async def test_cookies_are_sent_unless_omitted(
        self, open_page: Open, credentials: Credentials, cookie: str | None
    ) -> None:
        site = await self.open(open_page, {"GET /x": Answer()})
        site.client.session.cookie_jar.update_cookies({"a": "b"}, site.client.make_url("/"))
        await site.page.fetch("/x", credentials=credentials)
        assert site.backend.seen[0].get("Cookie") == (cookie,)

    async def test_a_redirect_to_another_origin_is_subject_to_cors(
        self, open_page: Open, serve_other: Serve
    ) -> None:
        url, other = await serve_other({"GET /y": Answer()})
        site = await self.open(open_page, {"GET /x": redirect(url + "/y")})
        error = await refused(site.page, "/x")
        assert error.step == "CORS check, step 2"
        assert error.request.url == url + "/y"
        assert other.seen[0].get("Origin") == (str(site.client.make_url("")).rstrip("/"),)

    async def test_mode_same_origin_does_not_follow_to_another_origin(
        self, open_page: Open, serve_other: Serve
    ) -> None:
        url, other = await serve_other({"GET /y": Answer(ALLOW)})
        site = await self.open(open_page, {"GET /x": redirect(url + "/y")})
        error = await refused(site.page, "/x", mode="same-origin")
        assert error.step == "Main fetch, step 12"
        assert other.seen == []


class TestRedirects:
    async def test_a_redirect_is_followed(self, open_page: Open) -> None:
        site = await open_page({"GET /x": redirect("/y"), "GET /y": Answer(ALLOW, body=b"a")})
        response = await site.page.fetch("/x")
        assert response.redirected
        assert response.url == str(site.client.make_url("/y"))
        assert await response.text() == "a"

    async def test_a_redirect_needs_cors_headers_itself(self, open_page: Open) -> None:
        site = await open_page({"GET /x": redirect("/y", {}), "GET /y": Answer(ALLOW)})
        error = await refused(site.page, "/x")
        assert error.step == "CORS check, step 2"
        assert site.backend.lines == ["GET /x"]

    async def test_the_origin_is_null_behind_a_second_foreign_origin(
        self, open_page: Open, serve_other: Serve
    ) -> None:
        url, other = await serve_other({"GET /y": Answer(ALLOW), "GET /null": Answer(ALLOW_NULL)})
        site = await open_page(
            {"GET /x": redirect(url + "/y"), "GET /null": redirect(url + "/null")}
        )
        error = await refused(site.page, "/x")
        assert (error.step, error.header) == ("CORS check, step 4", "Access-Control-Allow-Origin")
        assert (await site.page.fetch("/null")).status == 200
        assert [seen.get("Origin") for seen in other.seen] == [("null",), ("null",)]

    async def test_authorization_stays_behind(self, open_page: Open, serve_other: Serve) -> None:
        allow_null = {**ALLOW_NULL, "Access-Control-Allow-Headers": "authorization,x-a"}
        allow = {**ALLOW, "Access-Control-Allow-Headers": "authorization,x-a"}
        url, other = await serve_other(
            {"OPTIONS /y": Answer(allow_null), "GET /y": Answer(ALLOW_NULL)}
        )
        site = await open_page({"OPTIONS /x": Answer(allow), "GET /x": redirect(url + "/y")})
        await site.page.fetch("/x", headers={"Authorization": "secret", "X-A": "1"})
        assert site.backend.seen[1].get("Authorization", "X-A") == ("secret", "1")
        assert other.lines == ["OPTIONS /y", "GET /y"]
        assert other.seen[0].get("Access-Control-Request-Headers") == ("x-a",)
        assert other.seen[1].get("Authorization", "X-A") == (None, "1")

    async def test_each_url_has_its_own_preflight(self, open_page: Open) -> None:
        site = await open_page(
            {
                "OPTIONS /x": Answer(ALLOW_PUT),
                "PUT /x": redirect("/y", status=308),
                "OPTIONS /y": Answer(ALLOW_PUT),
                "PUT /y": Answer(ALLOW),
            }
        )
        await site.page.fetch("/x", method="PUT", body=b"a")
        assert site.backend.lines == ["OPTIONS /x", "PUT /x", "OPTIONS /y", "PUT /y"]
        assert [seen.body for seen in site.backend.seen] == [b"", b"a", b"", b"a"]

    async def test_a_post_becomes_a_get_without_its_body(self, open_page: Open) -> None:
        site = await open_page({"POST /x": redirect("/y"), "GET /y": Answer(ALLOW)})
        await site.page.fetch("/x", method="POST", body="a")
        assert site.backend.lines == ["POST /x", "GET /y"]
        assert site.backend.seen[1].body == b""
        assert site.backend.seen[1].get("Content-Type") == (None,)

    @pytest.mark.parametrize(
        ("location", "step"),
        [("http://[", "5"), ("data:,a", "6"), ("http://user@127.0.0.1/", "9")],
    )
    async def test_a_redirect_to_a_bad_url_is_refused(
        self, open_page: Open, location: str, step: str
    ) -> None:
        site = await open_page({"GET /x": redirect(location)})
        error = await refused(site.page, "/x")
        assert (error.step, error.header) == (f"HTTP-redirect fetch, step {step}", "Location")

    async def test_a_circle_is_left_after_twenty_redirects(self, open_page: Open) -> None:
        site = await open_page({"GET /x": redirect("/x")})
        error = await refused(site.page, "/x")
        assert error.step == "HTTP-redirect fetch, step 7"
        assert site.backend.lines == ["GET /x"] * 21


class TestErrors:
    async def test_an_error_says_in_one_line_what_failed_and_where(self, open_page: Open) -> None:
        site = await open_page({"OPTIONS /x": Answer(ALLOW)})
        error = await refused(site.page, "/x", method="PUT")
        url = site.client.make_url("/x")
        assert str(error) == (
            f"preflight request OPTIONS {url}: 'PUT' is not in Access-Control-Allow-Methods: "
            "(none) (Fetch, CORS-preflight fetch, step 7.5)"
        )
        assert error.reason == "'PUT' is not in Access-Control-Allow-Methods: (none)"

    async def test_an_error_survives_pickling(self, open_page: Open) -> None:
        site = await open_page({})
        error = await refused(site.page, "/x")
        copy = pickle.loads(pickle.dumps(error))
        assert (str(copy), copy.request) == (str(error), error.request)

    @pytest.mark.parametrize(
        ("origin", "hint"),
        [
            ("https://app.example/", "; did you mean 'https://app.example'?"),
            ("HTTPS://app.example", "; did you mean 'https://app.example'?"),
            ("https://app.example:443", "; did you mean 'https://app.example'?"),
            ("app.example", ""),
            ("*", ""),
        ],
    )
    async def test_an_origin_that_no_browser_has_is_an_error(
        self, aiohttp_client: AiohttpClient, origin: str, hint: str
    ) -> None:
        client = await aiohttp_client(web.Application())
        with pytest.raises(ValueError, match="is not an origin") as caught:
            Page(client, origin)
        assert str(caught.value) == f"{origin!r} is not an origin as browsers write it{hint}"

    async def test_a_mode_that_is_not_understood_is_an_error(self, open_page: Open) -> None:
        site = await open_page({})
        with pytest.raises(ValueError, match="'mode' must be one of cors, same-origin, got"):
            await site.page.fetch("/x", mode="no-cors")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="'credentials' must be one of omit, same-origin, i"):
            await site.page.fetch("/x", credentials="yes")  # type: ignore[arg-type]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        # The plugin is named below, whether or not the package is installed.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_module_does_not_need_pytest(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pytest'] = None; import aiohttp_cors.testing"
    done = run("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_entry_point_names_the_plugin() -> None:
    entry = f'[project.entry-points.pytest11]\naiohttp_cors = "{_pytest_plugin.__name__}"\n'
    assert entry in (ROOT / "pyproject.toml").read_text()


def test_the_how_to_runs_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "howto" / "testing.rst").read_text()
    behind = text.split(".. code-block:: python\n")[1].splitlines()
    block = itertools.takewhile(lambda line: line == "" or line.startswith(" "), behind)
    (tmp_path / "test_howto.py").write_text(textwrap.dedent("\n".join(block)))
    plugins = ("pytest_asyncio.plugin", "pytest_aiohttp.plugin", _pytest_plugin.__name__)
    options = [option for plugin in plugins for option in ("-p", plugin)]
    done = run("-m", "pytest", *options, "-o", "asyncio_mode=auto", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
