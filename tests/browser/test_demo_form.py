"""The form on the demo's page: what a browser makes of a request, beside what is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from .._demo import running_demo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .._demo import Demo
    from ._drivers import Browser

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILL = """(method, path, headers, credentials) => {
  const fields = document.getElementById("ask").elements;
  Object.assign(fields.method, { value: method });
  Object.assign(fields.path, { value: path });
  Object.assign(fields.headers, { value: headers });
  Object.assign(fields.credentials, { checked: credentials });
  document.getElementById("asked").replaceChildren();
  document.getElementById("send").click();
}"""

READ = """() => {
  const asked = document.getElementById("asked");
  const panels = [...asked.querySelectorAll("h4")].map((title) => [
    title.textContent,
    [...title.parentElement.querySelectorAll("pre")].map((block) => block.textContent),
  ]);
  return { verdict: asked.querySelector(".verdict").textContent, ...Object.fromEntries(panels) };
}"""

VERDICT = "document.querySelector('#asked .verdict')"

READABLE, NOT_READABLE = "Readable, as explained", "Not readable, as explained"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo() -> AsyncIterator[Demo]:
    async with running_demo() as demo:
        yield demo


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, demo: Demo) -> Browser:
    """A browser that has opened the demo."""
    await browser.set_viewport(1280, 800)
    await browser.navigate(demo.page)
    await browser.wait_for("!document.getElementById('send').disabled")
    return browser


async def ask(page: Browser, method: str, path: str, headers: str, credentials: bool) -> Any:
    await page.call(FILL, method, path, headers, credentials)
    await page.wait_for(f"{VERDICT} !== null")
    return await page.call(READ)


@pytest.mark.parametrize(
    ("method", "path", "headers", "credentials", "verdict", "told"),
    [
        ("GET", "/public", "", False, READABLE, "Preflight:    not needed"),
        ("GET", "/public", "", True, NOT_READABLE, "Access-Control-Allow-Credentials is missing"),
        ("PUT", "/notes", "X-Draft: yes\n", False, READABLE, "'x-draft' is not CORS-safelisted"),
        ("PUT", "/notes", "X-Draft: a:b\n\nX-Trace", False, NOT_READABLE, "not allowed: X-TRACE"),
        ("DELETE", "/notes", "", False, NOT_READABLE, "the route for DELETE was not added"),
        ("GET", "/partner", "", False, NOT_READABLE, "none of [GET] /partner, defaults has"),
        ("GET", "/closed", "", False, NOT_READABLE, "[GET] /closed was never added"),
        ("GET", "/nowhere", "", False, NOT_READABLE, "  < 404"),
        (
            "GET",
            "//elsewhere.example/",
            "",
            False,
            NOT_READABLE,
            "//elsewhere.example/ from a page",
        ),
        ("TRACE", "/public", "", False, NOT_READABLE, "The browser does not send it"),
        ("GET", "/public", "X Y: 1", False, NOT_READABLE, "The browser does not send it"),
    ],
)
async def test_the_browser_and_the_explanation_agree(
    method: str,
    path: str,
    headers: str,
    credentials: bool,
    verdict: str,
    told: str,
    page: Browser,
) -> None:
    asked = await ask(page, method, path, headers, credentials)
    assert asked["verdict"] == verdict
    [explanation] = asked["The explanation"]
    assert told in explanation
    [got] = asked["The page got"]
    assert got.startswith("TypeError: ") is (verdict == NOT_READABLE)


async def test_the_request_of_the_form_is_really_sent(page: Browser) -> None:
    asked = await ask(page, "PUT", "/notes", "X-Draft: a:b", False)
    preflight, granted, put, answer = asked["The API received and answered"]
    assert preflight.startswith("OPTIONS /notes HTTP/1.1\nAccess-Control-Request-Headers: x-draft")
    assert granted.startswith("HTTP/1.1 200 OK\n")
    assert put.endswith("\nX-Draft: a:b")
    assert answer.startswith("HTTP/1.1 200 OK\n")


async def test_the_form_is_filled_and_sent_by_keyboard(page: Browser) -> None:
    await page.evaluate("document.getElementById('again').focus()")
    # Past the method, the path and the headers to the credentials, and on to the button
    await page.press("Tab", "Tab", "Tab", "Tab", " ", "Tab", "Enter")
    await page.wait_for(f"{VERDICT} !== null")
    asked = await page.call(READ)
    assert asked["verdict"] == NOT_READABLE
    [explanation] = asked["The explanation"]
    assert " with credentials Cross-origin: yes " in " ".join(explanation.split())


async def test_a_path_without_a_slash_is_not_sent(page: Browser) -> None:
    await page.call(FILL, "GET", "notes", "", False)
    assert not await page.evaluate("document.getElementById('ask').checkValidity()")
    assert await page.evaluate("document.getElementById('asked').textContent") == ""


@pytest.mark.parametrize("width", [360, 1280])
async def test_what_is_compared_fits_the_screen(width: int, page: Browser) -> None:
    await page.set_viewport(width, 740)
    await ask(page, "PUT", "/notes", "X-Trace: 1", True)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tops = await page.evaluate(
        "[...document.querySelectorAll('#asked .panels > div')]"
        ".map((panel) => panel.getBoundingClientRect().top)"
    )
    assert (len(set(tops)) == 1) is (width > 1000)


async def test_where_explanation_and_browser_differ_it_is_said(page: Browser) -> None:
    nothing: list[object] = []
    outcome: dict[str, object] = {"readable": True, "headers": nothing, "exchanges": nothing}
    verdict = "(outcome, explanation) => compared(outcome, explanation)[0].textContent"
    assert await page.call(verdict, outcome, {"readable": False, "text": ""}) == (
        "Readable, which is not what was explained"
    )


async def test_the_form_says_when_the_demo_has_ended(browser: Browser) -> None:
    async with running_demo() as demo:
        await browser.navigate(demo.page)
        await browser.wait_for("!document.getElementById('send').disabled")
    await browser.evaluate("document.getElementById('send').click()")
    await browser.wait_for("/any more/.test(document.getElementById('asked').textContent)")
