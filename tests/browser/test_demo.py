"""The demo's page in real browsers: every verdict is read off the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from yarl import URL

from .._demo import running_demo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .._demo import Demo
    from ._drivers import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")


def served(*requests: str) -> list[str]:
    return [line for request in requests for line in (f"{request} HTTP/1.1", "HTTP/1.1 200 OK")]


REFUSED = ["OPTIONS /notes HTTP/1.1", "HTTP/1.1 403 Forbidden"]
READABLE = "Readable, as expected"
NOT_READABLE = "Not readable, as expected"

# By title: the verdict, and the first lines of what the API saw and answered.
CARDS = {
    "A simple GET": (READABLE, served("GET /public")),
    "A PUT with a header of the page's own": (READABLE, served("OPTIONS /notes", "PUT /notes")),
    "A POST whose answer sets a cookie": (READABLE, served("POST /session")),
    "A GET with that cookie": (READABLE, served("GET /session")),
    "One header exposed, one hidden": (READABLE, served("GET /things")),
    "A route that is not CORS-enabled": (NOT_READABLE, served("GET /closed")),
    "A route for another origin only": (NOT_READABLE, served("GET /partner")),
    "Credentials where they are not allowed": (NOT_READABLE, served("GET /public")),
    "A method that is not allowed": (NOT_READABLE, REFUSED),
    "A request header that is not allowed": (NOT_READABLE, REFUSED),
}

READ_CARDS = """() => Object.fromEntries(
  [...document.querySelectorAll("article")].map((card) => {
    const [, wire, got] = card.querySelectorAll(".panels > div");
    return [card.querySelector("h3").textContent, {
      verdict: card.querySelector(".verdict").textContent,
      wire: [...wire.querySelectorAll("pre")].map((block) => block.textContent),
      got: got.querySelector("pre").textContent,
    }];
  }))"""

SUMMARY = "document.querySelector('[role=status]').textContent"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    async with running_demo() as demo:
        yield demo


async def finished(browser: Browser, summary: str = "10 of 10 as expected.") -> None:
    await browser.wait_for(f"/as expected|answer any more/.test({SUMMARY})")
    assert await browser.evaluate(SUMMARY) == summary


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, demo: Demo) -> Browser:
    """A browser that has opened the demo and run its requests."""
    await browser.set_viewport(1280, 800)
    await browser.navigate(demo.page)
    await finished(browser)
    return browser


async def test_every_request_shows_the_right_verdict_and_what_the_api_saw(page: Browser) -> None:
    cards = await page.call(READ_CARDS)
    assert {
        title: (card["verdict"], [block.split("\n")[0] for block in card["wire"]])
        for title, card in cards.items()
    } == CARDS


async def test_the_page_shows_what_it_got(page: Browser) -> None:
    got = {title: card["got"] for title, card in (await page.call(READ_CARDS)).items()}
    assert got["A simple GET"].startswith("200\n")
    assert got["A GET with that cookie"].endswith("\n\nSigned in as: visitor.")
    assert "x-total: 42" in got["One header exposed, one hidden"]
    assert "x-internal" not in got["One header exposed, one hidden"]
    for title, (verdict, _) in CARDS.items():
        assert got[title].startswith("TypeError: ") == (verdict == NOT_READABLE)


async def test_the_page_shows_the_headers_on_the_wire(page: Browser, demo: Demo) -> None:
    origin = URL(demo.page).origin()
    preflight, granted, put, _ = (await page.call(READ_CARDS))[
        "A PUT with a header of the page's own"
    ]["wire"]
    assert preflight == (
        "OPTIONS /notes HTTP/1.1\n"
        "Access-Control-Request-Headers: content-type,x-draft\n"
        "Access-Control-Request-Method: PUT\n"
        f"Origin: {origin}"
    )
    assert f"\nAccess-Control-Allow-Origin: {origin}" in granted
    assert "\nX-Draft: yes" in put


async def test_an_outcome_that_was_not_expected_is_said_in_words(page: Browser) -> None:
    await page.evaluate("cases[0].expected = {readable: false, exchanges: ['OPTIONS 403']}, run()")
    await finished(page, "9 of 10 as expected.")
    assert (await page.call(READ_CARDS))["A simple GET"]["verdict"] == (
        "Readable, not as expected: the answer should not be readable; "
        "the API should have seen OPTIONS 403"
    )


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ({"headers": {"x-total": True}}, "x-total should be visible"),
        ({"headers": {"content-type": False}}, "content-type should be hidden"),
        ({"body": "other"}, "the body should be: other"),
    ],
)
async def test_headers_and_body_count_too(
    expected: dict[str, object], difference: str, page: Browser
) -> None:
    outcome = {
        "readable": True,
        "headers": [["content-type", "text/plain"]],
        "body": "text",
        "exchanges": [],
    }
    whole: dict[str, object] = {"readable": True, "exchanges": [], **expected}
    assert await page.call("differences", outcome, whole) == [difference]


async def test_the_requests_run_again_by_keyboard(page: Browser) -> None:
    await page.evaluate("window.before = document.querySelector('article'), 0")
    await page.press("Tab", "Enter")
    await page.wait_for("!window.before.isConnected")
    await finished(page)


async def test_the_page_fits_a_phone(page: Browser) -> None:
    await page.set_viewport(360, 740)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_the_page_loads_nothing_from_elsewhere(page: Browser, demo: Demo) -> None:
    origins = await page.evaluate(
        "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)"
    )
    assert set(origins) == {str(URL(url).origin()) for url in (demo.page, demo.api)}


async def test_under_another_name_the_page_says_where_to_open_it(
    browser: Browser, demo: Demo
) -> None:
    await browser.navigate(str(URL(demo.page).with_host("localhost")))
    await browser.wait_for(f"/Open/.test({SUMMARY})")
    assert await browser.evaluate(SUMMARY) == f"Open this page at {URL(demo.page).origin()}."
    assert await browser.call(READ_CARDS) == {}


async def test_the_page_says_when_the_demo_has_ended(browser: Browser) -> None:
    async with running_demo() as demo:
        await browser.navigate(demo.page)
        await finished(browser)
    await browser.evaluate("document.getElementById('again').click()")
    await browser.wait_for(f"/any more/.test({SUMMARY})")
