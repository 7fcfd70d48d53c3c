"""What holds for any routing table, any config and any request, over real sockets.

The number of examples is small by default; `HYPOTHESIS_PROFILE=thorough` makes it 2,000, and
`CORS_EXAMPLES` any other.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
from aiohttp import hdrs, web
from hypothesis import HealthCheck, assume, event, given, note, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests import _tables
from tests._support import ACAC, ACAO, ACEH, ACRH, ACRM, VARY
from tests._tables import METHODS, ORIGINS, Served, Table
from tests._wire import Got, Sent, serving, talk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiohttp.typedefs import Handler

_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
_EXAMPLES = int(os.environ.get("CORS_EXAMPLES", "2000" if _THOROUGH else "100"))

# Each example starts servers of its own; how long that takes says nothing.
holds = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """What is unwise in a config made at random, or fails as it shall, is not worth telling."""
    logs = [logging.getLogger(name) for name in ("aiohttp_cors", "aiohttp.server")]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    yield
    for log in logs:
        log.setLevel(logging.NOTSET)


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-One": "1"})


async def answers(app: web.Application, requests: Sequence[Sent]) -> list[Got]:
    """The answer to each request; all are answered."""
    async with serving(app) as address:
        got = await talk(address, requests)
    lost = [sent for sent, one in zip(requests, got, strict=True) if one is None]
    assert not lost
    return [one for one in got if one is not None]


SHARED = CIMultiDict({"X-Shared": "1", VARY: "Cookie"})


async def _owns(_request: web.Request) -> web.Response:
    return web.Response(headers={ACAO: "*", ACAC: "true", ACEH: "X-Mine", VARY: "*"})


async def _forwards(_request: web.Request) -> web.Response:
    lines = [(ACAC, "true"), (ACEH, "X-Mine"), (ACEH, "X-Two"), (VARY, "origin"), (VARY, ",,")]
    return web.Response(headers=CIMultiDict(lines))


async def _shares(_request: web.Request) -> web.Response:
    return web.Response(headers=SHARED)


async def _copies(request: web.Request) -> web.Response:
    return web.Response(headers={"X-Copy": request.headers.get(hdrs.ORIGIN, "none")})


async def _streams(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 2
    await response.prepare(request)
    await response.write(b"ab")
    return response


async def _redirects(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


async def _raises(_request: web.Request) -> web.Response:
    raise web.HTTPForbidden(headers={ACAO: "null", hdrs.SET_COOKIE: "a=b"})


async def _fails(_request: web.Request) -> web.Response:
    raise ArithmeticError


HANDLERS: list[Handler] = [
    hello,
    _owns,
    _forwards,
    _shares,
    _copies,
    _streams,
    _redirects,
    _raises,
    _fails,
]


async def one_by_one(app: web.Application, requests: Sequence[Sent]) -> list[Got | None]:
    """The answer to each request, on a connection of its own."""
    async with serving(app) as address:
        return [got for sent in requests for got in await talk(address, [sent])]


def without_cors(got: Got) -> list[tuple[str, str]]:
    """The headers that are no business of the library's, as Allow is: it adds OPTIONS routes."""
    written = {VARY.lower(), *(name.lower() for name in got.cors()), "allow", "date"}
    return sorted((n, value) for n, value in got.headers.items() if n.lower() not in written)


def preflight(method: str, path: str, host: str, origin: str, headers: str = "") -> Sent:
    sent = ((hdrs.ORIGIN, origin), (ACRM, method), *(((ACRH, headers),) if headers else ()))
    return Sent("OPTIONS", path, sent, host)


def actual(method: str, path: str, host: str, origin: str | None) -> Sent:
    return Sent(method, path, () if origin is None else ((hdrs.ORIGIN, origin),), host)


ASKED = st.lists(
    st.tuples(st.sampled_from(METHODS), st.sampled_from(ORIGINS)),
    unique=True,
    min_size=4,
    max_size=12,
)


@holds
@given(table=_tables.tables(), places=_tables.PLACES, asked=ASKED)
async def test_what_a_preflight_grants_the_page_can_read(
    table: Table, places: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    pairs = [
        (preflight(method, path, host, origin), actual(method, path, host, origin))
        for host, path in places
        for method, origin in asked
    ]
    got = await answers(
        _tables.application(table, hello), [sent for pair in pairs for sent in pair]
    )
    for (_, sent), granted, response in zip(pairs, got[::2], got[1::2], strict=True):
        if granted.status == 200 and ACAO in granted.headers:
            event("granted")
            origin = sent.headers[0][1]
            note(f"{sent}: {granted.cors()}, then {response.status} {response.cors()}")
            assert granted.headers[ACAO] == origin
            assert response.headers.getall(ACAO, []) == [origin]
        elif granted.status == 403:
            event("refused")
            note(f"{sent}: {granted}")
            assert granted.cors() == {}


@holds
@given(table=_tables.tables(), places=_tables.PLACES, asked=ASKED)
async def test_who_may_do_what_is_as_documented(
    table: Table, places: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    telling = _tables.telling_application(table, hello)
    methods = sorted({"OPTIONS", *(method for method, _ in asked)})
    probes = [actual(method, path, host, None) for host, path in places for method in methods]
    told = await answers(telling, probes)
    served = {
        (sent.host, sent.path, sent.method): Served.told(got.headers)
        for sent, got in zip(probes, told, strict=True)
    }
    cases = [
        (host, path, method, origin)
        for host, path in places
        for method, origin in [*asked, *((method, None) for method, _ in asked[:2])]
    ]
    requests = [actual(method, path, host, origin) for host, path, method, origin in cases]
    requests += [
        preflight(method, path, host, origin)
        for host, path, method, origin in cases
        if origin is not None
    ]
    got = dict(
        zip(requests, await answers(_tables.application(table, hello), requests), strict=True)
    )
    for host, path, method, origin in cases:
        serving_it, options = served[host, path, method], served[host, path, "OPTIONS"]
        verdicts = _tables.judge(table, serving_it, options, method, origin)
        note(f"{method} {path} on {host} from {origin}: {serving_it}, {verdicts}")
        response = got[actual(method, path, host, origin)]
        first = next((v.options for v in verdicts if v.actual), None)
        assert response.headers.getall(ACAO, []) == ([] if first is None else [origin])
        assert response.headers.getall(ACAC, []) == (
            ["true"] if first is not None and first.allow_credentials else []
        )
        if first is None:
            assert response.cors() == {}
        if verdicts:
            assert "origin" in response.headers[VARY].lower()
        elif method != "OPTIONS":
            assert VARY not in response.headers
        if origin is None:
            continue
        answer = got[preflight(method, path, host, origin)]
        note(f"its preflight: {answer}")
        reached = _tables.reaches_the_library(table, options, verdicts)
        granted = reached and any(verdict.preflight for verdict in verdicts)
        assert answer.headers.getall(ACAO, []) == ([origin] if granted else [])


@holds
@given(data=st.data(), table=_tables.tables(), places=_tables.PLACES, asked=ASKED)
async def test_any_order_of_the_same_calls_gives_the_same_answers(
    data: st.DataObject, table: Table, places: list[tuple[str, str]], asked: list[tuple[str, str]]
) -> None:
    order = data.draw(st.permutations(table.adds))
    requests = [
        make(method, path, host, origin)
        for host, path in places
        for method, origin in asked
        for make in (preflight, actual)
    ]
    as_written = await answers(_tables.application(table, hello), requests)
    as_drawn = await answers(_tables.application(table, hello, order), requests)
    for sent, one, other in zip(requests, as_written, as_drawn, strict=True):
        note(f"{sent}: {one}, {other}")
        assert (one.status, one.body) == (other.status, other.body)
        assert one.cors_and_vary() == other.cors_and_vary()


def _near(before: bytes, origin: str, after: bytes) -> bytes:
    return before + origin.encode() + after


# What a client may put into a header: bytes that no client sends, and values that nearly match.
NEAR = st.builds(
    _near,
    st.sampled_from([b"", b"", b"https://", b"x", b" ", b"\xc3\xa9"]),
    st.sampled_from([*ORIGINS, ORIGINS[0].upper(), "*", ""]),
    st.sampled_from(
        [b"", b"/", b".", b":443", b".evil.io", b"\xff", b"\t", b", null", b"#", b"@a"]
    ),
)
BYTES = st.binary(max_size=20).filter(lambda value: not {*value} & {*b"\r\n"})
ORIGIN, COOKIE = str(hdrs.ORIGIN), str(hdrs.COOKIE)
HEADERS = st.lists(
    st.tuples(st.sampled_from([ORIGIN, ACRM, ACRH, COOKIE]), NEAR | BYTES), max_size=4
)


@holds
@given(
    table=_tables.tables(),
    place=_tables.PLACES.map(lambda places: places[0]),
    sent=st.lists(
        st.tuples(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PROPFIND"]), HEADERS),
        min_size=1,
        max_size=3,
    ),
    handler=st.sampled_from(HANDLERS),
)
async def test_no_response_is_lost_and_no_status_is_another_than_without_the_library(
    table: Table,
    place: tuple[str, str],
    sent: list[tuple[str, list[tuple[str, bytes]]]],
    handler: Handler,
) -> None:
    host, path = place
    requests = [Sent(method, path, tuple(headers), host) for method, headers in sent]
    bare = await one_by_one(_tables.bare_application(table, handler), requests)
    got = await one_by_one(_tables.application(table, handler), requests)
    for request, expected, one in zip(requests, bare, got, strict=True):
        note(f"{request}: {expected}, {one}")
        # aiohttp itself answers that it cannot read a request, and closes.
        assert expected is not None
        assert one is not None
        event(f"{expected.status}")
        assert (one.status, one.body) == (expected.status, expected.body)
        assert without_cors(one) == without_cors(expected)
        if ACAO in expected.headers:
            assert one.cors() == expected.cors()


@holds
@given(table=_tables.tables(), places=_tables.PLACES, method=st.sampled_from(METHODS), origin=NEAR)
async def test_an_origin_that_nothing_names_is_never_told_that_it_may(
    table: Table, places: list[tuple[str, str]], method: str, origin: bytes
) -> None:
    # aiohttp takes the blanks off, as RFC 9110, 5.5 says.
    seen = origin.decode("utf-8", "surrogateescape").strip(" \t")
    assume(all(_tables.lookup([one], seen) is None for one in _tables.every_config(table)))
    requests = [
        Sent(sent, path, ((hdrs.ORIGIN, origin), (ACRM, method)), host)
        for host, path in places
        for sent in (method, "OPTIONS")
    ]
    for request, one in zip(
        requests, await one_by_one(_tables.application(table, hello), requests), strict=True
    ):
        note(f"{request}: {one}")
        assert one is not None
        assert one.cors() == {}
