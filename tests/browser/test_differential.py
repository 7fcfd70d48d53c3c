"""Three judges on each case: `aiohttp_cors.testing.Page`, Chromium and Firefox.

The table is in `_cases.py`, what it runs on in `_bed.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from ._bed import running
from ._cases import CASES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ._bed import Bed, Case, Outcome
    from ._drivers import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAFELISTED = {
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bed]:
    files = tmp_path_factory.mktemp("files")
    (files / "file.txt").write_text("static")
    async with running(CASES, files) as bed:
        yield bed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def in_page(bed: Bed) -> Mapping[str, Outcome]:
    return await bed.outcomes_in_page()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def in_chromium(bed: Bed, chromium: Browser) -> Mapping[str, Outcome]:
    return await bed.outcomes_in(chromium)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def in_firefox(bed: Bed, firefox: Browser) -> Mapping[str, Outcome]:
    return await bed.outcomes_in(firefox)


def verdicts(outcome: Outcome) -> tuple[str, ...]:
    """For each fetch `blocked`, `loaded`, or the status and the names that are not safelisted."""
    lines = [result.split("\n")[0].split() for result in outcome.results]
    return tuple(" ".join(word for word in line if word not in SAFELISTED) for line in lines)


def check(browser: str, case: Case, found: Outcome, in_page: Mapping[str, Outcome]) -> None:
    if differs := case.differs.get(browser):
        assert verdicts(found) == (differs.expected or case.expected)
        if differs.preflights is None:
            assert found.preflights >= case.preflights
        else:
            assert found.preflights == differs.preflights
    else:
        assert (verdicts(found), found.preflights) == (case.expected, case.preflights)
        # All that `Page` saw and sent is as in the browser, not only what the table tells.
        assert found == in_page.get(case.name, found)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.is_for_page], ids=lambda case: case.name
)
async def test_page(case: Case, in_page: Mapping[str, Outcome]) -> None:
    found = in_page[case.name]
    assert (verdicts(found), found.preflights) == (case.expected, case.preflights)


@each_case
async def test_chromium(
    case: Case, in_chromium: Mapping[str, Outcome], in_page: Mapping[str, Outcome]
) -> None:
    check("chromium", case, in_chromium[case.name], in_page)


@each_case
async def test_firefox(
    case: Case, in_firefox: Mapping[str, Outcome], in_page: Mapping[str, Outcome]
) -> None:
    check("firefox", case, in_firefox[case.name], in_page)
