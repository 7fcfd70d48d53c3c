"""What a CorsConfig is asked, and the page that tests fetch with."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from multidict import CIMultiDictProxy
from typing_extensions import assert_type

from aiohttp_cors import CorsConfig
from aiohttp_cors._audit import Audit
from aiohttp_cors._explanation import Explanation
from aiohttp_cors.testing import CorsError, Page, Response, SentRequest


def is_allowed_says_yes_or_no(cors: CorsConfig, request: web.Request) -> None:
    assert_type(cors.is_allowed(request), bool)
    cors.is_allowed("https://a.example")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def explain_is_a_value(cors: CorsConfig) -> None:
    explanation = await cors.explain("PUT", "/", origin="null", headers={"X-A": "1"})
    assert_type(explanation, Explanation)
    assert_type(explanation.to_dict(), dict[str, Any])
    await cors.explain("PUT", "/", origin="null", headers=[("X-A", "1")], credentials=True)
    await cors.explain("PUT", "/")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await cors.explain("PUT", "/", origin="null", headers={"X-A": 1})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def audit_is_a_value(cors: CorsConfig) -> None:
    assert_type(cors.audit(), Audit)
    assert_type(cors.audit().to_dict(), dict[str, Any])


async def a_page_fetches(client: TestClient[web.Request, web.Application]) -> None:
    page = Page(client, "https://app.example", clock=lambda: 0)
    response = await page.fetch("/", "PUT", headers={"X-A": "1"}, body="a", credentials="include")
    assert_type(response, Response)
    assert_type(response.status, int)
    assert_type(response.ok, bool)
    assert_type(response.type, Literal["basic", "cors"])
    assert_type(response.headers, CIMultiDictProxy[str])
    assert_type(await response.text(), str)
    assert_type(page.preflights, list[SentRequest])
    await page.fetch("/", credentials="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await page.fetch("/", mode="no-cors")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def a_fetch_that_fails_says_why(page: Page) -> None:
    with pytest.raises(CorsError) as caught:
        await page.fetch("/")
    assert_type(caught.value.step, str)
    assert_type(caught.value.header, str | None)
    assert_type(caught.value.during, Literal["preflight", "actual"])
    assert_type(caught.value.request, SentRequest)


async def the_fixture_makes_pages(
    cors_page: type[Page], client: TestClient[web.Request, web.Application]
) -> None:
    assert_type(cors_page(client), Page)
