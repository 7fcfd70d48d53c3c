"""The pytest plugin, loaded through the entry point `aiohttp_cors` wherever pytest runs."""

import pytest

from .testing import Page


@pytest.fixture
def cors_page() -> type[Page]:
    """Opens a page of another origin over a test client.

    It is the class :class:`aiohttp_cors.testing.Page`: `page = cors_page(client)`, or
    `cors_page(client, "https://other.example")`.
    """
    return Page
