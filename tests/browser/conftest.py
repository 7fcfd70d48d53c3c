"""The browsers, each started once for all tests.

A test without its browser skips; with CORS_REQUIRE_BROWSER=1 in the environment it fails.

A browser's connection lives in the event loop of the session, and so do the tests that use it:
their modules say `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

import pytest
import pytest_asyncio

from . import _drivers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from ._drivers import Browser


async def _start(stack: AsyncExitStack, starting: AbstractAsyncContextManager[Browser]) -> Browser:
    try:
        return await stack.enter_async_context(starting)
    except _drivers.BrowserMissingError as error:
        if os.environ.get("CORS_REQUIRE_BROWSER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium."""
    async with AsyncExitStack() as stack:
        yield await _start(stack, _drivers.chromium())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def firefox() -> AsyncIterator[Browser]:
    """Firefox."""
    async with AsyncExitStack() as stack:
        yield await _start(stack, _drivers.firefox())


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """Each browser in turn."""
    return cast("Browser", request.getfixturevalue(request.param))
