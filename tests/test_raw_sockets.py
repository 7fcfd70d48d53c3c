"""What no HTTP client sends: stray bytes, repeated lines, HTTP/1.0, pipelines, hostile sizes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs, web
from multidict import CIMultiDict

import aiohttp_cors
from aiohttp_cors import ResourceOptions
from aiohttp_cors._policy import Layer, Policy, answer_preflight

from ._support import ACAC, ACAH, ACAM, ACAO, ACEH, ACRH, ACRM, ORIGIN, OTHER, VARY, hello
from ._wire import Sent, serving, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._wire import Got

EVIL = "https://evil.example"
VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
REFUSED = (403, {VARY: VARY_PREFLIGHT})
Header = tuple[str, "str | bytes"]


def application() -> web.Application:
    """One with a route for two pages, of which one may send credentials."""
    app = web.Application()
    aiohttp_cors.setup(app).add(
        app.router.add_put("/", hello),
        {
            ORIGIN: ResourceOptions(allow_credentials=True, allow_headers="*"),
            OTHER: ResourceOptions(expose_headers=["X-Other"]),
        },
    )
    return app


async def ask(*requests: Sent, app: web.Application | None = None) -> list[Got]:
    """The answers to requests that are sent at once over one connection. None is lost."""
    async with serving(application() if app is None else app) as address:
        got = await talk(address, requests)
    answers = [one for one in got if one is not None]
    assert len(answers) == len(requests)
    return answers


async def put(*headers: Header, version: str = "1.1") -> tuple[int, dict[str, str]]:
    [got] = await ask(Sent("PUT", "/", headers, version=version))
    return got.status, got.cors_and_vary()


async def preflight(*headers: Header) -> tuple[int, dict[str, str]]:
    [got] = await ask(Sent("OPTIONS", "/", headers))
    return got.status, got.cors_and_vary()


ORIGIN_LINE = (str(hdrs.ORIGIN), ORIGIN)
METHOD_LINE = (ACRM, "PUT")
GRANTED = {ACAO: ORIGIN, ACAC: "true", ACAM: "PUT", VARY: VARY_PREFLIGHT}


# --- stray bytes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"*",
        ORIGIN.encode() + b"\xff",
        b"\xc3\xa9",
        ORIGIN.encode() + b"\xe2\x80\xa8",
        ORIGIN.encode() + b" " + OTHER.encode(),
        ORIGIN.encode() + b"," + OTHER.encode(),
        ORIGIN.encode() + b"\t" + ORIGIN.encode(),
    ],
    ids=repr,
)
async def test_an_origin_with_stray_bytes_matches_nothing_and_loses_nothing(value: bytes) -> None:
    line = (str(hdrs.ORIGIN), value)
    assert await put(line) == (200, {VARY: "Origin"})
    assert await preflight(line, METHOD_LINE) == REFUSED


@pytest.mark.parametrize("method", [b"", b"P\xffT", b"\xc3\x9f", b"PUT GET", b"PUT,GET", b"P(T"])
async def test_a_requested_method_that_is_no_token_is_refused(method: bytes) -> None:
    assert await preflight(ORIGIN_LINE, (ACRM, method)) == REFUSED


@pytest.mark.parametrize("names", [b"x-\xff", b"x-\xc5\xbf", b"x y", b"x-a,x;b", b"\xc3\x9f"])
async def test_a_requested_header_that_is_no_token_is_refused(names: bytes) -> None:
    # The second is a long s, the upper case of which is an S.
    assert await preflight(ORIGIN_LINE, METHOD_LINE, (ACRH, names)) == REFUSED


# --- repeated lines ---------------------------------------------------------------------------


async def test_all_lines_of_requested_headers_count() -> None:
    lines = ((ACRH, "x-b"), (ACRH, ""), (ACRH, " , X-A,x-b"))
    assert await preflight(ORIGIN_LINE, METHOD_LINE, *lines) == (
        200,
        GRANTED | {ACAH: "X-A,X-B"},
    )
    other = (str(hdrs.ORIGIN), OTHER)
    assert await preflight(other, METHOD_LINE, (ACRH, ""), (ACRH, "x-b")) == REFUSED


async def test_the_same_requested_method_twice_is_one() -> None:
    assert await preflight(ORIGIN_LINE, METHOD_LINE, METHOD_LINE) == (200, GRANTED)


async def test_two_requested_methods_are_refused() -> None:
    assert await preflight(ORIGIN_LINE, METHOD_LINE, (ACRM, "GET")) == REFUSED
    assert await preflight(ORIGIN_LINE, (ACRM, "GET"), METHOD_LINE) == REFUSED


async def test_two_origins_are_refused_in_a_preflight() -> None:
    evil = (str(hdrs.ORIGIN), EVIL)
    assert await preflight(ORIGIN_LINE, evil, METHOD_LINE) == REFUSED
    assert await preflight(evil, ORIGIN_LINE, METHOD_LINE) == REFUSED


# --- HTTP/1.0 and pipelines -------------------------------------------------------------------


async def test_http_10_gets_the_same_headers() -> None:
    assert await put(ORIGIN_LINE, version="1.0") == (
        200,
        {ACAO: ORIGIN, ACAC: "true", VARY: "Origin"},
    )


async def test_no_header_shows_up_on_the_next_response_of_a_connection() -> None:
    shared = CIMultiDict({"X-Shared": "1"})

    async def shares(_request: web.Request) -> web.Response:
        return web.Response(headers=shared)

    app = web.Application()
    options = {
        ORIGIN: ResourceOptions(allow_credentials=True, expose_headers=["X-Shared"]),
        OTHER: ResourceOptions(),
    }
    aiohttp_cors.setup(app).add(app.router.add_get("/", shares), options)
    expected: dict[str | None, dict[str, str]] = {
        ORIGIN: {ACAO: ORIGIN, ACAC: "true", ACEH: "X-Shared", VARY: "Origin"},
        OTHER: {ACAO: OTHER, VARY: "Origin"},
        EVIL: {VARY: "Origin"},
        None: {VARY: "Origin"},
    }
    order = [ORIGIN, OTHER, ORIGIN, EVIL, ORIGIN, None, OTHER, EVIL, OTHER, None, ORIGIN]
    sent = [
        Sent("GET", "/", () if origin is None else ((str(hdrs.ORIGIN), origin),))
        for origin in order
    ]
    got = await ask(*sent, app=app)
    assert [one.cors_and_vary() for one in got] == [expected[origin] for origin in order]
    assert {one.headers["X-Shared"] for one in got} == {"1"}


# --- hostile sizes ----------------------------------------------------------------------------
# aiohttp takes no more than some hundred lines, and no longer ones than 8 KB.


async def echo(lines: Sequence[str]) -> Got:
    """The answer to a preflight with these lines of requested headers."""
    sent = Sent("OPTIONS", "/", (ORIGIN_LINE, METHOD_LINE, *((ACRH, line) for line in lines)))
    [got] = await ask(sent)
    # What is echoed is no longer than what was sent.
    answered = sum(len(name) + len(value) for name, value in got.headers.items()) + len(got.body)
    assert answered < len(sent.raw()) + 500
    return got


async def test_8_kb_of_commas_ask_for_nothing() -> None:
    got = await echo(["," * 8_000])
    assert (got.status, got.cors_and_vary()) == (200, GRANTED)


async def test_4000_names_are_granted_where_all_are() -> None:
    names = [f"x-{number:04}" for number in range(4_000)]
    lines = [",".join(names[start : start + 1_000]) for start in range(0, 4_000, 1_000)]
    got = await echo(lines)
    assert got.status == 200
    # aiohttp's own client would not read so long a header.
    assert got.headers[ACAH] == ",".join(names).upper()


async def test_a_hundred_lines_are_one_list() -> None:
    got = await echo(["x-b", *["x-a , "] * 100])
    assert (got.status, got.headers[ACAH]) == (200, "X-A,X-B")


async def test_a_hundred_origins_are_none() -> None:
    line = (str(hdrs.ORIGIN), ORIGIN)
    assert await preflight(*[line] * 100, METHOD_LINE) == REFUSED


@pytest.mark.parametrize("allowed", ["*", ["X-A"]], ids=["all", "listed"])
@pytest.mark.parametrize("separator", [",", ",,", " , x-a,"], ids=repr)
def test_the_work_grows_as_the_header_does(allowed: Any, separator: str) -> None:
    config = Layer({ORIGIN: ResourceOptions(allow_headers=allowed)})

    def work(names: int) -> int:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        line = separator.join(f"x-{number}" for number in range(names))
        sys.setprofile(count)
        try:
            answer_preflight(Policy((config,)), config.exact[ORIGIN], ORIGIN, "PUT", [line])
        finally:
            sys.setprofile(None)
        return calls

    once, four_times = work(500), work(2_000)
    assert 500 < once < four_times <= 4 * once
