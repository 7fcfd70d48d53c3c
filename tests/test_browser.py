"""What a browser decides about a fetch: `aiohttp_cors._browser`.

Here are the rules on values; `test_testing.py` has the same rules over real sockets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from aiohttp_cors import _browser
from aiohttp_cors._browser import Grant, PreflightCache, Reason, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp_cors._browser import Credentials
    from aiohttp_cors._fetch import HeaderList

PAGE = "https://app.example"
SERVER = "https://api.example/x"
OTHER = "https://other.example/x"
THIRD = "https://third.example/x"


async def stream() -> AsyncIterator[bytes]:
    yield b"a"


def request_to(
    *urls: str,
    origin: str = PAGE,
    method: str = "GET",
    headers: HeaderList = (),
    credentials: Credentials = "omit",
    upload: bool = False,
) -> Request:
    return Request(
        urls=tuple(URL(url) for url in urls or (SERVER,)),
        origin=origin,
        method=method,
        headers=headers,
        credentials=credentials,
        use_cors_preflight=upload,
    )


def blamed(verdict: object) -> tuple[str, str | None]:
    """The step and the header of a refusal."""
    assert isinstance(verdict, Reason)
    return verdict.step, verdict.header


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.example/a?b#c", "https://app.example"),
        ("https://app.example:443/", "https://app.example"),
        ("http://app.example:80/", "http://app.example"),
        ("http://app.example:443/", "http://app.example:443"),
        ("https://APP.example:8443/", "https://app.example:8443"),
        ("http://user:secret@app.example/", "http://app.example"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("capacitor://localhost:80", "capacitor://localhost:80"),
        ("data:text/plain,a", "null"),
        ("/path", "null"),
    ],
)
def test_the_origin_of_a_url(url: str, origin: str) -> None:
    assert _browser.serialize_origin(URL(url)) == origin


class TestNewRequest:
    def test_carries_what_the_page_asked_for(self) -> None:
        request = _browser.new_request(
            URL(SERVER),
            origin=PAGE,
            method="put",
            headers=[("X-A", " 1 ")],
            body=b"a",
            credentials="include",
            mode="same-origin",
        )
        assert request == Request(
            urls=(URL(SERVER),),
            origin=PAGE,
            method="PUT",
            headers=(("X-A", "1"),),
            body=b"a",
            credentials="include",
            mode="same-origin",
            use_cors_preflight=False,
        )

    @pytest.mark.parametrize("url", ["https://user@api.example/", "https://:pw@api.example/"])
    def test_refuses_a_url_with_credentials(self, url: str) -> None:
        refusal = _browser.new_request(URL(url), origin=PAGE)
        assert blamed(refusal) == ("new Request(), step 5.3", None)

    @pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "é", "TRACE", "connect", "TrAcK"])
    def test_refuses_what_is_no_method_or_a_forbidden_one(self, method: str) -> None:
        refusal = _browser.new_request(URL(SERVER), origin=PAGE, method=method)
        assert blamed(refusal) == ("new Request(), step 25.2", None)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
    @pytest.mark.parametrize("body", ["", b"a"])
    def test_refuses_a_body_where_none_belongs(self, method: str, body: str | bytes) -> None:
        refusal = _browser.new_request(URL(SERVER), origin=PAGE, method=method, body=body)
        assert blamed(refusal) == ("new Request(), step 35", None)

    @pytest.mark.parametrize(
        ("name", "value"), [("", "a"), ("X A", "a"), ("X-A", "a\r\nX-B: b"), ("X-A", "€")]
    )
    def test_refuses_what_is_no_header(self, name: str, value: str) -> None:
        refusal = _browser.new_request(URL(SERVER), origin=PAGE, headers=[(name, value)])
        assert blamed(refusal) == ("Headers, validate, step 1", name)

    def test_drops_forbidden_headers(self) -> None:
        headers = [
            ("Cookie", "a=b"),
            ("X-A", "1"),
            ("Sec-B", "2"),
            ("X-HTTP-Method-Override", "TRACE"),
            ("X-Http-Method-Override", "PUT"),
        ]
        request = _browser.new_request(URL(SERVER), origin=PAGE, headers=headers)
        assert isinstance(request, Request)
        assert request.headers == (("X-A", "1"), ("X-Http-Method-Override", "PUT"))

    def test_leaves_a_name_as_it_was_written_first(self) -> None:
        headers = [("x-a", "1"), ("X-A", "2")]
        request = _browser.new_request(URL(SERVER), origin=PAGE, headers=headers)
        assert isinstance(request, Request)
        assert request.headers == (("x-a", "1"), ("x-a", "2"))

    def test_gives_text_a_content_type(self) -> None:
        request = _browser.new_request(URL(SERVER), origin=PAGE, method="POST", body="é")
        assert isinstance(request, Request)
        assert request.body == "é".encode()
        assert request.headers == (("Content-Type", "text/plain;charset=UTF-8"),)

    def test_leaves_a_content_type_that_the_page_set(self) -> None:
        headers = [("content-type", "application/json")]
        request = _browser.new_request(
            URL(SERVER), origin=PAGE, method="POST", body="{}", headers=headers
        )
        assert isinstance(request, Request)
        assert request.headers == tuple(headers)

    def test_streams_and_upload_listeners_call_for_a_preflight(self) -> None:
        streaming = _browser.new_request(URL(SERVER), origin=PAGE, method="POST", body=stream())
        listening = _browser.new_request(URL(SERVER), origin=PAGE, upload_listeners=True)
        assert isinstance(streaming, Request)
        assert streaming.use_cors_preflight
        assert isinstance(listening, Request)
        assert listening.use_cors_preflight


@pytest.mark.parametrize(
    ("urls", "origin", "expected"),
    [
        pytest.param((SERVER,), PAGE, PAGE, id="no redirect"),
        pytest.param((SERVER, SERVER), PAGE, PAGE, id="within one server"),
        pytest.param((PAGE, SERVER), PAGE, PAGE, id="from the page's origin"),
        pytest.param((PAGE, SERVER, SERVER), PAGE, PAGE, id="and within that server"),
        pytest.param((SERVER, OTHER), PAGE, "null", id="to a third origin"),
        pytest.param((SERVER, PAGE), PAGE, "null", id="back to the page"),
        pytest.param((SERVER, OTHER, PAGE, PAGE), PAGE, "null", id="never healed"),
        pytest.param((SERVER,), "null", "null", id="opaque page"),
        pytest.param((SERVER, "https://api.example:444/"), PAGE, "null", id="another port"),
    ],
)
def test_the_origin_is_null_after_a_redirect_between_foreign_origins(
    urls: tuple[str, ...], origin: str, expected: str
) -> None:
    request = request_to(*urls, origin=origin)
    assert request.serialized_origin == expected
    assert dict(_browser.request_headers(request))["Origin"] == expected
    assert _browser.preflight_headers(request)["Origin"] == expected


@pytest.mark.parametrize(
    ("urls", "origin", "expected"),
    [
        pytest.param((PAGE,), PAGE, False, id="own origin"),
        pytest.param((PAGE, PAGE), PAGE, False, id="own origin after a redirect"),
        pytest.param((SERVER,), PAGE, True, id="other origin"),
        pytest.param((SERVER, PAGE), PAGE, True, id="back from another origin"),
        pytest.param(("http://app.example/",), PAGE, True, id="other scheme"),
        pytest.param((SERVER,), "null", True, id="opaque page"),
        pytest.param(("data:,",), "null", True, id="opaque URL of an opaque page"),
    ],
)
def test_a_request_that_ever_left_its_origin_is_cross_origin(
    urls: tuple[str, ...], origin: str, expected: bool
) -> None:
    assert request_to(*urls, origin=origin).is_cross_origin is expected


@pytest.mark.parametrize(
    ("credentials", "url", "expected"),
    [
        ("omit", PAGE, False),
        ("omit", SERVER, False),
        ("same-origin", PAGE, True),
        ("same-origin", SERVER, False),
        ("include", PAGE, True),
        ("include", SERVER, True),
    ],
)
def test_cookies_go_where_the_credentials_mode_says(
    credentials: Credentials, url: str, expected: bool
) -> None:
    assert request_to(url, credentials=credentials).sends_credentials is expected


class TestMayBeSent:
    def test_another_origin_in_mode_cors(self) -> None:
        assert _browser.judge_request(request_to(SERVER)) is None

    def test_the_own_origin_in_mode_same_origin(self) -> None:
        request = replace(request_to(PAGE), mode="same-origin")
        assert _browser.judge_request(request) is None

    def test_not_another_origin_in_mode_same_origin(self) -> None:
        request = replace(request_to(SERVER), mode="same-origin")
        assert blamed(_browser.judge_request(request)) == ("Main fetch, step 12", None)

    @pytest.mark.parametrize("url", ["ftp://api.example/", "data:,", "ws://api.example/"])
    def test_not_what_is_not_http(self, url: str) -> None:
        assert blamed(_browser.judge_request(request_to(url))) == ("Main fetch, step 12", None)


JSON = ("Content-Type", "application/json")


@pytest.mark.parametrize(
    ("request_", "texts"),
    [
        pytest.param(request_to(), [], id="GET"),
        pytest.param(request_to(method="HEAD"), [], id="HEAD"),
        pytest.param(
            request_to(method="POST", headers=[("Content-Type", "text/plain")]), [], id="form"
        ),
        pytest.param(
            request_to(PAGE, method="PUT", headers=[JSON], upload=True), [], id="same origin"
        ),
        pytest.param(
            request_to(method="PUT"), ["the method 'PUT' is not CORS-safelisted"], id="PUT"
        ),
        pytest.param(
            request_to(method="post"), ["the method 'post' is not CORS-safelisted"], id="case"
        ),
        pytest.param(
            request_to(method="POST", headers=[("Accept", "a"), JSON]),
            [
                "the value 'application/json' of the request header 'content-type' "
                "is not CORS-safelisted"
            ],
            id="JSON",
        ),
        pytest.param(
            request_to(headers=[("X-B", "1"), ("X-A", "2")]),
            [
                "the request header 'x-a' is not CORS-safelisted",
                "the request header 'x-b' is not CORS-safelisted",
            ],
            id="own headers",
        ),
        pytest.param(
            request_to(headers=[("Accept", "a" * 128)] * 9),
            ["the CORS-safelisted request headers have over 1024 bytes"],
            id="many bytes",
        ),
        pytest.param(
            request_to(method="POST", upload=True),
            ["the upload is a stream, or is listened to"],
            id="upload",
        ),
    ],
)
def test_why_a_preflight_is_needed(request_: Request, texts: list[str]) -> None:
    reasons = _browser.preflight_reasons(request_)
    assert [reason.text for reason in reasons] == texts
    assert {reason.step for reason in reasons} <= {"Main fetch, step 12"}


def test_each_unsafe_header_is_named_in_its_reason() -> None:
    request = request_to(method="PUT", headers=[JSON, ("X-A", "1")])
    headers = [reason.header for reason in _browser.preflight_reasons(request)]
    assert headers == [None, "content-type", "x-a"]


def test_a_preflight_asks_for_the_method() -> None:
    assert _browser.preflight_headers(request_to(method="PUT")) == {
        "Accept": "*/*",
        "Access-Control-Request-Method": "PUT",
        "Origin": PAGE,
    }


def test_a_preflight_asks_for_sorted_lower_case_names_once_each() -> None:
    headers = [("X-B", "1"), ("Accept", "a"), JSON, ("x-b", "2"), ("Authorization", "c")]
    assert _browser.preflight_headers(request_to(headers=headers)) == {
        "Accept": "*/*",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,content-type,x-b",
        "Origin": PAGE,
    }


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(request_to(), [("Accept", "*/*"), ("Origin", PAGE)], id="cross-origin"),
        pytest.param(request_to(PAGE), [("Accept", "*/*")], id="same-origin GET"),
        pytest.param(request_to(PAGE, method="HEAD"), [("Accept", "*/*")], id="same-origin HEAD"),
        pytest.param(
            request_to(PAGE, method="POST"),
            [("Accept", "*/*"), ("Origin", PAGE)],
            id="same-origin POST",
        ),
        pytest.param(
            request_to(headers=[("accept", "a"), ("Range", "bytes=0-")]),
            [
                ("accept", "a"),
                ("Range", "bytes=0-"),
                ("Accept-Encoding", "identity"),
                ("Origin", PAGE),
            ],
            id="accept and range",
        ),
    ],
)
def test_what_the_actual_request_carries(
    request_: Request, expected: list[tuple[str, str]]
) -> None:
    assert list(_browser.request_headers(request_)) == expected


ALLOW_ORIGIN = ("Access-Control-Allow-Origin", PAGE)
ALLOW_ANY = ("Access-Control-Allow-Origin", "*")
ALLOW_CREDENTIALS = ("Access-Control-Allow-Credentials", "true")


@pytest.mark.parametrize("credentials", [False, True], ids=["omit", "include"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], "CORS check, step 2", id="no header"),
        pytest.param([ALLOW_CREDENTIALS], "CORS check, step 2", id="only credentials"),
        pytest.param([("access-control-allow-ORIGIN", "null")], "CORS check, step 4", id="null"),
        pytest.param([(ALLOW_ORIGIN[0], PAGE + "/")], "CORS check, step 4", id="slash at the end"),
        pytest.param([(ALLOW_ORIGIN[0], PAGE.upper())], "CORS check, step 4", id="case"),
        pytest.param([(ALLOW_ORIGIN[0], "")], "CORS check, step 4", id="empty"),
        pytest.param([ALLOW_ORIGIN, ALLOW_ORIGIN], "CORS check, step 4", id="twice"),
        pytest.param([ALLOW_ORIGIN, ALLOW_ANY], "CORS check, step 4", id="two values"),
    ],
)
def test_the_cors_check_needs_the_page_s_origin(
    headers: HeaderList, expected: str, credentials: bool
) -> None:
    refusal = _browser.cors_check(PAGE, credentials=credentials, headers=headers)
    assert blamed(refusal) == (expected, "Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    ("headers", "omit", "include"),
    [
        pytest.param([ALLOW_ANY], None, "CORS check, step 4", id="any"),
        pytest.param([ALLOW_ANY, ALLOW_CREDENTIALS], None, "CORS check, step 4", id="any, true"),
        pytest.param([ALLOW_ORIGIN], None, "CORS check, step 8", id="origin"),
        pytest.param([ALLOW_ORIGIN, ALLOW_CREDENTIALS], None, None, id="origin, true"),
        pytest.param(
            [ALLOW_ORIGIN, (ALLOW_CREDENTIALS[0], "True")], None, "CORS check, step 8", id="True"
        ),
        pytest.param(
            [ALLOW_ORIGIN, ALLOW_CREDENTIALS, ALLOW_CREDENTIALS],
            None,
            "CORS check, step 8",
            id="true twice",
        ),
    ],
)
def test_the_cors_check_is_stricter_with_credentials(
    headers: HeaderList, omit: str | None, include: str | None
) -> None:
    for credentials, expected in ((False, omit), (True, include)):
        refusal = _browser.cors_check(PAGE, credentials=credentials, headers=headers)
        assert (refusal and refusal.step) == expected


def test_an_opaque_page_passes_the_cors_check_as_null() -> None:
    headers = [("Access-Control-Allow-Origin", "null")]
    assert _browser.cors_check("null", credentials=False, headers=headers) is None


@pytest.mark.parametrize(
    ("headers", "credentials", "text"),
    [
        ([], False, "Access-Control-Allow-Origin is missing"),
        (
            [(ALLOW_ORIGIN[0], "https://b.example")],
            False,
            "Access-Control-Allow-Origin is 'https://b.example', not 'https://app.example'",
        ),
        (
            [ALLOW_ANY],
            True,
            "Access-Control-Allow-Origin is '*', not 'https://app.example'; "
            "'*' does not cover requests with credentials",
        ),
        (
            [ALLOW_ORIGIN],
            True,
            "Access-Control-Allow-Credentials is missing, not 'true', "
            "and the request has credentials",
        ),
        (
            [ALLOW_ORIGIN, (ALLOW_CREDENTIALS[0], "yes")],
            True,
            "Access-Control-Allow-Credentials is 'yes', not 'true', "
            "and the request has credentials",
        ),
    ],
)
def test_a_failed_cors_check_says_what_it_found(
    headers: HeaderList, credentials: bool, text: str
) -> None:
    refusal = _browser.cors_check(PAGE, credentials=credentials, headers=headers)
    assert refusal is not None
    assert refusal.text == text


def test_an_answer_of_the_own_origin_is_read_without_a_cors_check() -> None:
    assert _browser.judge_response(request_to(PAGE, credentials="include"), []) is None


def test_an_answer_to_a_tainted_request_must_allow_null() -> None:
    request = request_to(SERVER, OTHER)
    assert blamed(_browser.judge_response(request, [ALLOW_ORIGIN])) == (
        "CORS check, step 4",
        "Access-Control-Allow-Origin",
    )
    assert _browser.judge_response(request, [(ALLOW_ORIGIN[0], "null")]) is None


def test_an_answer_with_credentials_must_allow_them() -> None:
    request = request_to(credentials="include")
    assert blamed(_browser.judge_response(request, [ALLOW_ORIGIN])) == (
        "CORS check, step 8",
        "Access-Control-Allow-Credentials",
    )
    assert _browser.judge_response(request, [ALLOW_ORIGIN, ALLOW_CREDENTIALS]) is None


def allow(methods: str | None = None, headers: str | None = None) -> list[tuple[str, str]]:
    """The headers of an answer to a preflight that lets the origin and credentials through."""
    allowed: list[tuple[str, str]] = [ALLOW_ORIGIN, ALLOW_CREDENTIALS]
    if methods is not None:
        allowed.append(("Access-Control-Allow-Methods", methods))
    if headers is not None:
        allowed.append(("Access-Control-Allow-Headers", headers))
    return allowed


X_A = [("X-A", "1")]
AUTHORIZATION = [("Authorization", "secret")]
METHODS = "Access-Control-Allow-Methods"
NAMES = "Access-Control-Allow-Headers"


@pytest.mark.parametrize(
    ("request_", "headers"),
    [
        pytest.param(request_to(method="PUT"), allow("GET, PUT"), id="method"),
        pytest.param(request_to(method="PUT"), allow("*"), id="any method"),
        pytest.param(
            request_to(method="*", credentials="include"), allow("*"), id="a method named *"
        ),
        pytest.param(request_to(method="POST", headers=X_A), allow(None, "x-a"), id="POST"),
        pytest.param(request_to(method="POST", headers=X_A), allow("GET", "x-a"), id="not listed"),
        pytest.param(request_to(headers=X_A), allow(None, "X-B,,X-a"), id="name in any case"),
        pytest.param(request_to(headers=X_A), allow(None, "*"), id="any name"),
        pytest.param(request_to(headers=AUTHORIZATION), allow(None, "AUTHORIZATION"), id="auth"),
        pytest.param(
            request_to(headers=[*X_A, *AUTHORIZATION]), allow(None, "*,authorization"), id="both"
        ),
        pytest.param(
            request_to(method="PUT", headers=X_A, credentials="include"),
            allow("PUT", "X-A"),
            id="credentials",
        ),
        pytest.param(request_to(method="POST", upload=True), allow(), id="upload"),
        pytest.param(request_to(headers=[JSON]), allow(None, "Content-Type"), id="content type"),
    ],
)
def test_a_preflight_is_granted(request_: Request, headers: HeaderList) -> None:
    assert isinstance(_browser.judge_preflight(request_, 200, headers), Grant)


@pytest.mark.parametrize(
    ("request_", "headers", "step", "header", "text"),
    [
        pytest.param(
            request_to(method="PUT"),
            allow("GET"),
            "7.5",
            METHODS,
            "'PUT' is not in Access-Control-Allow-Methods: GET",
            id="method",
        ),
        pytest.param(
            request_to(method="PUT"),
            allow(),
            "7.5",
            METHODS,
            "'PUT' is not in Access-Control-Allow-Methods: (none)",
            id="no methods",
        ),
        pytest.param(
            request_to(method="patch"),
            allow("PUT, PATCH"),
            "7.5",
            METHODS,
            "'patch' is not in Access-Control-Allow-Methods: PUT, PATCH; "
            "methods are compared with regard to case",
            id="method in another case",
        ),
        pytest.param(
            request_to(method="PUT", credentials="include"),
            allow("*"),
            "7.5",
            METHODS,
            "'PUT' is not in Access-Control-Allow-Methods: *; "
            "'*' does not cover requests with credentials",
            id="any method with credentials",
        ),
        pytest.param(
            request_to(method="PUT", upload=True),
            allow("GET"),
            "7.5",
            METHODS,
            "'PUT' is not in Access-Control-Allow-Methods: GET",
            id="upload of an unlisted method",
        ),
        pytest.param(
            request_to(headers=[("X-B", "1"), *X_A]),
            allow(None, "x-b"),
            "7.7",
            NAMES,
            "'x-a' is not in Access-Control-Allow-Headers: x-b",
            id="name",
        ),
        pytest.param(
            request_to(headers=X_A, credentials="include"),
            allow(None, "*"),
            "7.7",
            NAMES,
            "'x-a' is not in Access-Control-Allow-Headers: *; "
            "'*' does not cover requests with credentials",
            id="any name with credentials",
        ),
        pytest.param(
            request_to(headers=[("Aa", "1"), *AUTHORIZATION]),
            allow(None, "*"),
            "7.6",
            NAMES,
            "'authorization' is not in Access-Control-Allow-Headers: *; '*' never covers it",
            id="authorization under a wildcard",
        ),
        pytest.param(
            request_to(headers=AUTHORIZATION),
            allow(),
            "7.6",
            NAMES,
            "'authorization' is not in Access-Control-Allow-Headers: (none)",
            id="authorization unlisted",
        ),
        pytest.param(
            request_to(method="PUT", headers=X_A),
            allow("PUT, a b", "X-A"),
            "7.3",
            METHODS,
            "Access-Control-Allow-Methods has 'a b', which is not a token",
            id="malformed methods",
        ),
        pytest.param(
            request_to(method="PUT", headers=X_A),
            allow("PUT", "X-A; X-B"),
            "7.3",
            NAMES,
            "Access-Control-Allow-Headers has 'X-A; X-B', which is not a token",
            id="malformed names",
        ),
    ],
)
def test_a_preflight_is_refused(
    request_: Request, headers: HeaderList, step: str, header: str, text: str
) -> None:
    refusal = _browser.judge_preflight(request_, 200, headers)
    step = f"CORS-preflight fetch, step {step}"
    assert refusal == Reason(step=step, text=text, header=header)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_preflight_may_have_any_ok_status(status: int) -> None:
    grant = _browser.judge_preflight(request_to(method="PUT"), status, allow("PUT"))
    assert isinstance(grant, Grant)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (199, "the preflight was answered with status 199, not 200 to 299"),
        (300, "the preflight was answered with status 300, not 200 to 299"),
        (403, "the preflight was answered with status 403, not 200 to 299"),
        *(
            (
                status,
                f"the preflight was answered with status {status}, not 200 to 299; "
                "redirects of preflights are not followed",
            )
            for status in (301, 302, 303, 307, 308)
        ),
    ],
)
def test_a_preflight_with_another_status_is_refused(status: int, text: str) -> None:
    headers = [*allow("PUT"), ("Location", "/y")]
    refusal = _browser.judge_preflight(request_to(method="PUT"), status, headers)
    assert refusal == Reason(step="CORS-preflight fetch, step 7", text=text)


@pytest.mark.parametrize(
    ("credentials", "headers", "step"),
    [
        ("omit", [], "CORS check, step 2"),
        ("same-origin", [(ALLOW_ORIGIN[0], "https://b.example")], "CORS check, step 4"),
        ("include", [ALLOW_ORIGIN], "CORS check, step 8"),
    ],
)
def test_the_cors_check_of_a_preflight_comes_before_its_status(
    credentials: Credentials, headers: HeaderList, step: str
) -> None:
    request = request_to(method="PUT", credentials=credentials)
    refusal = _browser.judge_preflight(request, 500, headers)
    assert isinstance(refusal, Reason)
    assert refusal.step == step


def test_a_preflight_after_a_foreign_redirect_must_allow_null() -> None:
    request = request_to(SERVER, OTHER, method="PUT")
    refusal = _browser.judge_preflight(request, 200, allow("PUT"))
    assert isinstance(refusal, Reason)
    assert refusal.step == "CORS check, step 4"


def test_a_grant_has_all_that_was_allowed() -> None:
    request = request_to(method="PUT", headers=X_A)
    headers = [*allow("PUT,DELETE", "X-A"), (NAMES, "X-B"), ("Access-Control-Max-Age", "60")]
    assert _browser.judge_preflight(request, 200, headers) == Grant(
        methods=("PUT", "DELETE"), headers=("x-a", "x-b"), max_age=60
    )


def test_a_grant_for_an_upload_has_its_method() -> None:
    grant = _browser.judge_preflight(request_to(method="POST", upload=True), 200, allow())
    assert grant == Grant(methods=("POST",), headers=(), max_age=5)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("7199", 7199), ("7201", 7200), ("9" * 5000, 7200), ("-1", 5), ("", 5)],
)
def test_a_grant_lasts_as_long_as_is_said_within_limits(value: str, seconds: int) -> None:
    headers = [*allow("PUT"), ("Access-Control-Max-Age", value)]
    grant = _browser.judge_preflight(request_to(method="PUT"), 200, headers)
    assert isinstance(grant, Grant)
    assert grant.max_age == seconds


class TestPreflightCache:
    put = request_to(method="PUT", headers=X_A)
    grant = Grant(methods=("PUT",), headers=("x-a",), max_age=10)

    @pytest.fixture
    def cache(self) -> PreflightCache:
        cache = PreflightCache()
        cache.store(self.put, self.grant, now=100)
        return cache

    def test_covers_nothing_at_first(self) -> None:
        assert not PreflightCache().covers(self.put, now=0)

    @pytest.mark.parametrize(("now", "expected"), [(100, True), (109.9, True), (110, False)])
    def test_covers_for_the_seconds_of_the_grant(
        self, cache: PreflightCache, now: float, expected: bool
    ) -> None:
        assert cache.covers(self.put, now) is expected

    def test_a_grant_of_no_seconds_is_forgotten_at_once(self) -> None:
        cache = PreflightCache()
        cache.store(self.put, replace(self.grant, max_age=0), now=100)
        assert not cache.covers(self.put, now=100)

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            pytest.param(request_to(method="PUT"), True, id="fewer headers"),
            pytest.param(request_to(headers=X_A), True, id="safelisted method"),
            pytest.param(replace(put, headers=[("x-a", "2")]), True, id="other case and value"),
            pytest.param(replace(put, method="DELETE"), False, id="other method"),
            pytest.param(replace(put, headers=[("X-B", "1")]), False, id="other header"),
            pytest.param(replace(put, urls=(URL(SERVER + "?q"),)), False, id="other URL"),
            pytest.param(replace(put, origin="https://b.example"), False, id="other origin"),
            pytest.param(replace(put, credentials="include"), False, id="with credentials"),
            pytest.param(replace(put, credentials="same-origin"), True, id="same-origin"),
            pytest.param(replace(put, method="POST", use_cors_preflight=True), False, id="upload"),
            pytest.param(replace(put, use_cors_preflight=True), True, id="granted upload"),
        ],
    )
    def test_covers_what_was_granted(
        self, cache: PreflightCache, request_: Request, expected: bool
    ) -> None:
        assert cache.covers(request_, now=101) is expected

    def test_a_grant_with_credentials_covers_requests_without(self) -> None:
        cache = PreflightCache()
        cache.store(replace(self.put, credentials="include"), self.grant, now=0)
        assert cache.covers(self.put, now=1)

    def test_a_wildcard_covers_all_but_authorization(self) -> None:
        cache = PreflightCache()
        cache.store(self.put, Grant(methods=("*",), headers=("*",), max_age=10), now=0)
        assert cache.covers(request_to(method="DELETE", headers=[("X-Z", "1")]), now=1)
        assert not cache.covers(request_to(headers=AUTHORIZATION), now=1)

    def test_a_wildcard_that_came_with_credentials_covers_nothing(self) -> None:
        cache = PreflightCache()
        request = replace(self.put, credentials="include")
        grant = Grant(methods=("*", "PUT"), headers=("*", "x-a"), max_age=10)
        cache.store(request, grant, now=0)
        assert cache.covers(request, now=1)
        assert not cache.covers(replace(request, method="DELETE"), now=1)
        assert not cache.covers(replace(request, headers=[("X-Z", "1")]), now=1)

    def test_a_method_is_not_taken_for_a_header(self) -> None:
        cache = PreflightCache()
        cache.store(self.put, Grant(methods=("x-a",), headers=("PUT",), max_age=10), now=0)
        assert not cache.covers(request_to(method="PUT"), now=1)
        assert not cache.covers(request_to(headers=X_A), now=1)

    def test_a_second_grant_renews_the_first(self, cache: PreflightCache) -> None:
        cache.store(self.put, self.grant, now=105)
        assert cache.covers(self.put, now=114)

    def test_a_second_grant_can_shorten_a_wildcard(self) -> None:
        cache = PreflightCache()
        cache.store(self.put, Grant(methods=("*",), headers=("*",), max_age=100), now=0)
        cache.store(self.put, Grant(methods=("PUT",), headers=(), max_age=1), now=0)
        assert not cache.covers(request_to(method="DELETE"), now=2)
        assert cache.covers(request_to(headers=X_A), now=2)

    def test_what_expired_is_not_renewed_for_another_credentials_mode(self) -> None:
        cache = PreflightCache()
        cache.store(replace(self.put, credentials="include"), self.grant, now=0)
        cache.store(self.put, self.grant, now=50)
        assert cache.covers(self.put, now=51)
        assert not cache.covers(replace(self.put, credentials="include"), now=51)

    def test_clearing_takes_one_url_away(self, cache: PreflightCache) -> None:
        elsewhere = replace(self.put, urls=(URL(OTHER),))
        cache.store(elsewhere, self.grant, now=100)
        cache.clear(replace(self.put, method="GET", credentials="include"))
        assert not cache.covers(self.put, now=101)
        assert cache.covers(elsewhere, now=101)


LOCATION = "Location"


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, [(LOCATION, "/y")]), (304, [(LOCATION, "/y")]), (300, [(LOCATION, "/y")]), (302, [])],
)
def test_an_answer_that_is_no_redirect(status: int, headers: HeaderList) -> None:
    assert _browser.redirected(request_to(), status, headers) is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/y", "https://api.example/y"),
        ("y?q", "https://api.example/y?q"),
        ("//other.example/x", OTHER),
        (OTHER, OTHER),
        ("/y#z", "https://api.example/y#z"),
    ],
)
def test_a_location_is_joined_to_the_url(location: str, url: str) -> None:
    request = request_to()
    following = _browser.redirected(request, 302, [("LOCATION", location)])
    assert following == replace(request, urls=(URL(SERVER), URL(url)))


def test_a_location_without_a_fragment_keeps_the_one_that_was() -> None:
    following = _browser.redirected(request_to(SERVER + "#a"), 302, [(LOCATION, "/y")])
    assert isinstance(following, Request)
    assert following.url == URL("https://api.example/y#a")


BODY_HEADERS = [
    ("Content-Encoding", "a"),
    ("Content-Language", "b"),
    ("Content-Location", "c"),
    ("Content-Type", "d"),
    ("X-A", "e"),
]


@pytest.mark.parametrize(
    ("status", "method", "becomes_get"),
    [
        (301, "POST", True),
        (302, "POST", True),
        (303, "POST", True),
        (307, "POST", False),
        (308, "POST", False),
        (301, "PUT", False),
        (302, "PUT", False),
        (303, "PUT", True),
        (303, "DELETE", True),
        (301, "GET", False),
        (303, "HEAD", False),
    ],
)
def test_a_redirect_changes_the_method_as_it_always_did(
    status: int, method: str, becomes_get: bool
) -> None:
    request = replace(request_to(method=method, headers=BODY_HEADERS), body=b"a")
    following = _browser.redirected(request, status, [(LOCATION, "/y")])
    expected = replace(request, urls=(URL(SERVER), URL("https://api.example/y")))
    if becomes_get:
        expected = replace(expected, method="GET", body=None, headers=(("X-A", "e"),))
    assert following == expected


def test_a_redirect_that_stays_get_keeps_its_headers() -> None:
    request = request_to(headers=BODY_HEADERS)
    following = _browser.redirected(request, 303, [(LOCATION, "/y")])
    assert isinstance(following, Request)
    assert following.headers == BODY_HEADERS


@pytest.mark.parametrize(
    ("location", "kept"),
    [("/y", True), ("https://api.example:444/", False), (OTHER, False), (PAGE, False)],
)
def test_authorization_does_not_follow_to_another_origin(location: str, kept: bool) -> None:
    request = request_to(headers=[*AUTHORIZATION, *X_A])
    following = _browser.redirected(request, 307, [(LOCATION, location)])
    assert isinstance(following, Request)
    assert list(following.headers) == ([*AUTHORIZATION, *X_A] if kept else X_A)


@pytest.mark.parametrize(
    ("urls", "location", "step"),
    [
        pytest.param((SERVER,), "http://[::1", "5", id="no URL"),
        pytest.param((SERVER,), "data:,a", "6", id="data"),
        pytest.param((PAGE,), "ftp://app.example/", "6", id="ftp"),
        pytest.param((SERVER,), "https://user@api.example/", "9", id="user, other origin"),
        pytest.param((SERVER,), "https://:pw@third.example/", "9", id="password, third origin"),
        pytest.param((SERVER,), "https://user@app.example/", "10", id="user, back to the page"),
    ],
)
def test_a_redirect_is_not_followed(urls: tuple[str, ...], location: str, step: str) -> None:
    refusal = _browser.redirected(request_to(*urls), 302, [(LOCATION, location)])
    assert blamed(refusal) == (f"HTTP-redirect fetch, step {step}", LOCATION)


def test_a_redirect_with_two_locations_is_not_followed() -> None:
    refusal = _browser.redirected(request_to(), 302, [(LOCATION, "/y"), (LOCATION, "/y")])
    assert blamed(refusal) == ("HTTP-redirect fetch, step 5", LOCATION)


def test_a_page_s_own_server_may_redirect_to_a_user_of_its_own() -> None:
    following = _browser.redirected(
        request_to(PAGE), 302, [(LOCATION, "https://user@app.example/")]
    )
    assert isinstance(following, Request)


def test_in_mode_same_origin_another_origin_is_refused_as_such_not_for_its_user() -> None:
    request = replace(request_to(PAGE), mode="same-origin")
    following = _browser.redirected(request, 302, [(LOCATION, "https://user@api.example/")])
    assert isinstance(following, Request)
    assert blamed(_browser.judge_request(following)) == ("Main fetch, step 12", None)


def test_twenty_redirects_are_followed_and_no_more() -> None:
    request = request_to(*[SERVER] * 20)
    following = _browser.redirected(request, 302, [(LOCATION, SERVER)])
    assert isinstance(following, Request)
    refusal = _browser.redirected(following, 302, [(LOCATION, SERVER)])
    assert blamed(refusal) == ("HTTP-redirect fetch, step 7", LOCATION)


def test_a_stream_is_not_sent_again() -> None:
    request = replace(request_to(method="POST"), body=stream())
    refusal = _browser.redirected(request, 307, [(LOCATION, "/y")])
    assert blamed(refusal) == ("HTTP-redirect fetch, step 11", None)
    assert isinstance(_browser.redirected(request, 303, [(LOCATION, "/y")]), Request)


ANSWER = [
    ("Cache-Control", "a"),
    ("Content-Language", "a"),
    ("Content-Length", "a"),
    ("Content-Type", "a"),
    ("Expires", "a"),
    ("Last-Modified", "a"),
    ("Pragma", "a"),
    ("X-A", "1"),
    ("x-a", "2"),
    ("X-B", "3"),
    ("*", "4"),
    ("Set-Cookie", "5"),
    ("Set-Cookie2", "6"),
]
SAFELISTED = [name for name, _ in ANSWER[:7]]
EVERYTHING = [name for name, _ in ANSWER[:11]]


@pytest.mark.parametrize(
    ("url", "credentials", "expose", "expected"),
    [
        pytest.param(PAGE, "omit", [], EVERYTHING, id="own origin"),
        pytest.param(SERVER, "omit", [], SAFELISTED, id="nothing exposed"),
        pytest.param(SERVER, "omit", [""], SAFELISTED, id="empty"),
        pytest.param(SERVER, "omit", ["X-a"], [*SAFELISTED, "X-A", "x-a"], id="any case"),
        pytest.param(
            SERVER, "include", ["x-b", "X-A"], [*SAFELISTED, "X-A", "x-a", "X-B"], id="two lines"
        ),
        pytest.param(SERVER, "omit", ["*"], EVERYTHING, id="wildcard"),
        pytest.param(SERVER, "same-origin", ["X-A, *"], EVERYTHING, id="wildcard and name"),
        pytest.param(SERVER, "include", ["*"], [*SAFELISTED, "*"], id="wildcard is a name"),
        pytest.param(SERVER, "omit", ["Set-Cookie, Set-Cookie2"], SAFELISTED, id="cookies"),
        pytest.param(SERVER, "omit", ["X-A, a b"], SAFELISTED, id="malformed"),
    ],
)
def test_the_page_sees_safelisted_and_exposed_headers(
    url: str, credentials: Credentials, expose: list[str], expected: list[str]
) -> None:
    headers = [*ANSWER, *(("Access-Control-Expose-Headers", value) for value in expose)]
    visible = _browser.readable_headers(request_to(url, credentials=credentials), headers)
    names = [name for name, _ in visible if name != "Access-Control-Expose-Headers"]
    assert names == expected
