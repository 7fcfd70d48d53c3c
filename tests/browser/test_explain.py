"""What `explain` says of each case, beside what browsers do: the verdicts of the table.

A case that has several fetches is explained fetch by fetch, and its preflights are not counted:
`explain` remembers neither preflights nor cookies from one request to the next. What does not
apply is said in `NOT_EXPLAINED` and `UP_TO_THE_HANDLER`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web

import aiohttp_cors
from aiohttp_cors._explain import explain, explain_url

from ._bed import API, BLOCKED, FAR, LOADED, PAGE, STRANGER, Place, running
from ._cases import CASES
from .test_differential import SAFELISTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp_cors._explanation import Explanation

    from ._bed import Bed, Case, Fetch

pytestmark = pytest.mark.asyncio(loop_scope="session")

# By the way of the fetch
NOT_EXPLAINED = {
    "plain-image": "no CORS request: the page cannot read it, but shows it",
    "websocket": "no CORS request: the server decides about the handshake",
    "upload": "a listener for its progress makes a preflight necessary, which fetch() has none of",
}

# By the name of the case: what no config decides, and nothing of the application runs
UP_TO_THE_HANDLER = {
    "handler-owns-acao": "the handler writes Access-Control-Allow-Origin itself",
    "middleware-refuses-preflights": "a middleware answers the preflight, which is told in a note",
}

ORIGINS = {
    name: f"http://127.0.0.1:{port}"
    for port, name in enumerate((PAGE, STRANGER, API, FAR), start=8001)
}

#: From here on the table has servers with this library.
FIRST_OF_LIBRARY = "route-allowed"


def explained(cases: list[Case]) -> list[object]:
    """The fetches of `cases` that `explain` can be asked about, each with what comes of it."""
    return [
        pytest.param(case, fetch, expected, id=f"{case.name}-{number}")
        for case in cases
        for number, (fetch, expected) in enumerate(zip(case.fetches, case.expected, strict=True))
        if fetch.way not in NOT_EXPLAINED
    ]


def of_library() -> list[Case]:
    names = [case.name for case in CASES]
    cases = CASES[names.index(FIRST_OF_LIBRARY) :]
    return [case for case in cases if case.name not in UP_TO_THE_HANDLER]


def preflights(said: Explanation) -> int:
    return sum(exchange.kind == "preflight" for exchange in said.exchanges)


def check_preflights(case: Case, said: Explanation) -> None:
    if len(case.fetches) == 1:
        assert preflights(said) == case.preflights
        assert bool(said.because) is bool(case.preflights)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bed(files: Path) -> AsyncIterator[Bed]:
    async with running(CASES, files) as bed:
        yield bed


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("files")
    (made / "file.txt").write_text("static")
    return made


@pytest.mark.parametrize(("case", "fetch", "expected"), explained(CASES))
async def test_a_server_is_explained_as_browsers_see_it(
    case: Case, fetch: Fetch, expected: str, bed: Bed
) -> None:
    said = await explain_url(
        bed.origins[fetch.at],
        fetch.method,
        f"/{case.name}{fetch.path}",
        origin=bed.origins.get(case.page, case.page),
        headers=fetch.headers,
        credentials=fetch.credentials == "include" or fetch.way == "image-with-cookies",
    )
    if not said.readable:
        verdict = BLOCKED
    elif expected == LOADED:
        verdict = LOADED
    else:
        visible = {name.lower() for name in said.readable_headers} - SAFELISTED
        verdict = " ".join([str(said.exchanges[-1].status), *sorted(visible)])
    assert verdict == expected, said
    check_preflights(case, said)


@pytest.mark.parametrize(("case", "fetch", "expected"), explained(of_library()))
async def test_an_application_is_explained_as_browsers_see_it(
    case: Case, fetch: Fetch, expected: str, files: Path
) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    path = f"/{case.name}"
    case.build(
        Place(path=path, app=app, cors=cors, home=web.Application(), files=files, origins=ORIGINS)
    )
    said = await explain(
        app,
        fetch.method,
        f"{ORIGINS[fetch.at]}{path}{fetch.path}",
        origin=ORIGINS.get(case.page, case.page),
        headers=fetch.headers,
        credentials=fetch.credentials == "include",
    )
    assert said.readable is (expected != BLOCKED), said
    check_preflights(case, said)
    if said.readable:
        status, *visible = expected.split()
        assert said.exchanges[-1].status in {None, int(status)}
        seen = {name.lower() for name in said.readable_headers}
        assert seen == {"*"} or seen >= set(visible)


async def test_what_does_not_apply_is_in_the_table() -> None:
    assert {fetch.way for case in CASES for fetch in case.fetches} >= set(NOT_EXPLAINED)
    assert {case.name for case in CASES} >= set(UP_TO_THE_HANDLER)
