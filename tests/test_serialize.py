"""What origin a text means, beside what `new URL(text).origin` gives in a browser."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiohttp_cors._serialize import is_loopback, mistakes, origin_meant, origins_listed

SLASH = "it ends in a slash"
PATH = "it has a path, a query or a fragment"
CASE = "it is not in lower case"
SCHEME = "it has no scheme"
PORT = "it has the default port of its scheme"
BLANKS = "it has blanks around it"
USER = "it has a user name"
PUNYCODE = "its host is not in Punycode"
SOCKET = "a WebSocket is opened by a page, and has its origin"
OTHER = "its address or its port is written another way"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """What was read in another test is read again."""
    origin_meant.cache_clear()


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:8080",
        "https://xn--bcher-kva.example",
        "https://an_underscore.example",
        "https://absolute.example.",
        "https://app.example:0",
        "null",
        "https://*.app.example",
        "http://localhost:*",
        "http://*.app.example:*",
        "http://*.app.example:8080",
        "http://[::1]:*",
        "file://",
        "moz-extension://5B0C9a5e",
        "capacitor://localhost",
        "app://.",
    ],
)
def test_an_origin_that_browsers_send_means_itself(origin: str) -> None:
    assert origin_meant(origin) == origin


@pytest.mark.parametrize(
    ("text", "meant", "why"),
    [
        ("http://localhost:3000/", "http://localhost:3000", [SLASH]),
        ("https://app.example/index.html", "https://app.example", [PATH]),
        ("https://app.example/#", "https://app.example", [PATH]),
        ("https://app.example?query", "https://app.example", [PATH]),
        ("https://app.example#top", "https://app.example", [PATH]),
        ("https://me:secret@app.example", "https://app.example", [USER]),
        ("HTTPS://app.example", "https://app.example", [CASE]),
        ("https://App.example", "https://app.example", [CASE]),
        ("https://app.example:443", "https://app.example", [PORT]),
        ("http://app.example:80", "http://app.example", [PORT]),
        ("app.example", "https://app.example", [SCHEME]),
        ("app.example:8443", "https://app.example:8443", [SCHEME]),
        ("X.example", "https://x.example", [SCHEME, CASE]),
        ("//app.example", "https://app.example", [SCHEME]),
        ("https:/app.example", "https://app.example", [SCHEME]),
        ("localhost:3000", "http://localhost:3000", [SCHEME]),
        ("127.0.0.1:80", "http://127.0.0.1", [SCHEME, PORT]),
        ("[::1]:8080", "http://[::1]:8080", [SCHEME]),
        ("ws://app.example", "http://app.example", [SOCKET]),
        ("wss://app.example", "https://app.example", [SOCKET]),
        (" https://app.example\n", "https://app.example", [BLANKS]),
        ("NULL", "null", [CASE]),
        (" null", "null", [BLANKS]),
        ("https://bücher.example", "https://xn--bcher-kva.example", [PUNYCODE]),
        ("https://straße.example", "https://xn--strae-oqa.example", [PUNYCODE]),
        ("https://☃.example", "https://xn--n3h.example", [PUNYCODE]),
        ("https://A.¡", "https://a.xn--7a", [CASE, PUNYCODE]),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]", [OTHER]),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]", [CASE]),
        ("http://[1:0:0:2:0:0:0:3]", "http://[1:0:0:2::3]", [OTHER]),
        ("http://[1:0::2:3:4:5:6]", "http://[1::2:3:4:5:6]", [OTHER]),
        ("http://[::ffff:1.2.3.4]", "http://[::ffff:102:304]", [OTHER]),
        ("http://127.1", "http://127.0.0.1", [OTHER]),
        ("http://0x7f.0.0.1", "http://127.0.0.1", [OTHER]),
        ("http://2130706433", "http://127.0.0.1", [OTHER]),
        ("http://127.0.0.1.", "http://127.0.0.1", [OTHER]),
        ("https://app.example:0443", "https://app.example", [OTHER]),
        ("https://app.example:", "https://app.example", [OTHER]),
        ("Capacitor://localhost", "capacitor://localhost", [CASE]),
        ("moz-extension://5B0C9a5e/", "moz-extension://5B0C9a5e", [SLASH]),
        ("HTTPS://me@App.example:443/x", "https://app.example", [USER, PATH, CASE, PORT]),
        ("https://*.app.example:443", "https://*.app.example", [PORT]),
        ("wss://*.app.example", "https://*.app.example", [SOCKET]),
        ("http://127.1:*", "http://127.0.0.1:*", [OTHER]),
    ],
)
def test_a_text_means_the_origin_that_a_browser_makes_of_it(
    text: str, meant: str, why: list[str]
) -> None:
    assert origin_meant(text) == meant
    assert mistakes(text, meant) == why


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "https://",
        "https://me@",
        "https://app example",
        "https://app.example,other.example",
        "https://app<.example",
        "https://app.example:99999",
        "https://app.example:port",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[1:2]",
        "https://256.1.1.1",
        "https://1.2.3.4.5",
        "https://" + 70 * "ü" + ".example",
        "https://*.app.example:99999",
        "app id://host",
    ],
)
def test_what_cannot_be_an_origin_means_none(text: str) -> None:
    assert origin_meant(text) is None


@given(st.text().filter(lambda text: "*" not in text))
@example("http:8080")
@example("https://\u200d")
def test_any_text_is_read_and_what_it_means_means_itself(text: str) -> None:
    meant = origin_meant(text)
    assert meant is None or origin_meant(meant) == meant


@given(
    st.sampled_from(["", "https:", "https://", "wss://", "app://"]),
    st.text("aA1ü.:/@[]%#x0", max_size=12),
)
def test_what_a_text_of_the_parts_of_urls_means_means_itself(scheme: str, rest: str) -> None:
    meant = origin_meant(scheme + rest)
    assert meant is None or origin_meant(meant) == meant


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.example, https://b.example/", ["https://a.example", "https://b.example"]),
        ("https://a.example https://b.example", ["https://a.example", "https://b.example"]),
        ("https://a.example;https://b.example;", ["https://a.example", "https://b.example"]),
        ("https://a.example", []),
        ("https://a.example, b.example", []),
        ("https://a.example, https://", []),
        ("https://a.example, https://b.example, c.example", []),
        ("", []),
    ],
)
def test_a_list_in_one_text_is_taken_apart_if_each_member_is_an_origin(
    text: str, origins: list[str]
) -> None:
    assert origins_listed(text) == origins


@pytest.mark.parametrize(
    ("origin", "loopback"),
    [
        ("http://localhost", True),
        ("http://localhost:3000", True),
        ("http://localhost:*", True),
        ("http://localhost.", True),
        ("http://app.localhost", True),
        ("http://*.localhost:8080", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.10:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost.example", False),
        ("http://notlocalhost", False),
        ("http://127.0.0.1.example", False),
        ("http://192.168.0.1", False),
        ("http://[::2]", False),
    ],
)
def test_loopback_is_what_secure_contexts_say(origin: str, loopback: bool) -> None:
    assert is_loopback(origin) is loopback
