"""Facts and grammar of the Fetch Standard: `aiohttp_cors._fetch`."""

import pytest

from aiohttp_cors import _fetch


def table(*rows: tuple[object, ...]) -> list[object]:
    """Rows whose first member is their id."""
    return [pytest.param(*row[1:], id=str(row[0])) for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    table(
        ("letters", "X-Requested-With", True),
        ("every other character", "!#$%&'*+-.^_`|~09az", True),
        ("empty", "", False),
        ("blank", "a b", False),
        ("newline at the end", "a\n", False),
        ("separator", "a/b", False),
        ("not ASCII", "é", False),
    ),
)
def test_tokens_are_told_from_other_text(text: str, expected: bool) -> None:
    assert _fetch.is_token(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    table(
        ("origin", "https://app.example", True),
        ("opaque", "null", True),
        ("wildcard", "*", False),
        ("wildcard in it", "https://*.example", True),
        ("empty", "", False),
        ("blank", "https://a.example https://b.example", False),
        ("comma", "https://a.example,https://b.example", False),
        ("not ASCII", "https://é.example", False),
        ("control character", "https://a.example\x7f", False),
        ("newline at the end", "https://a.example\n", False),
    ),
)
def test_values_that_name_one_origin_are_told_from_others(text: str, expected: bool) -> None:
    assert _fetch.is_origin(text) is expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    table(
        ("no line", [], []),
        ("one member", ["a"], ["a"]),
        ("blanks and tabs", [" a ,\tb\t"], ["a", "b"]),
        ("empty members", [",a,, ,b,"], ["a", "b"]),
        ("several lines keep their order", ["b", "c,a"], ["b", "c", "a"]),
        ("nothing but commas", [",,"], []),
        ("other white space stays", ["a\x0b"], ["a\x0b"]),
    ),
)
def test_list_headers_fall_into_members(lines: list[str], expected: list[str]) -> None:
    assert _fetch.list_members(lines) == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    table(
        *((lower, lower, lower.upper()) for lower in ("delete", "get", "head", "options")),
        *((lower, lower, lower.upper()) for lower in ("post", "put")),
        ("mixed case", "pUt", "PUT"),
        ("patch stays", "patch", "patch"),
        ("own method stays", "Chicken", "Chicken"),
    ),
)
def test_only_six_methods_are_normalized(method: str, expected: str) -> None:
    assert _fetch.normalize_method(method) == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    table(
        ("CONNECT", "CONNECT", True),
        ("TRACE", "TRACE", True),
        ("track", "track", True),
        ("GET", "GET", False),
        ("TRACER", "TRACER", False),
    ),
)
def test_forbidden_methods_are_known_in_any_case(method: str, expected: bool) -> None:
    assert _fetch.is_forbidden_method(method) is expected


FORBIDDEN_NAMES = [
    "Accept-Charset",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Connection",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Date",
    "DNT",
    "Expect",
    "Host",
    "Keep-Alive",
    "Origin",
    "Referer",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Proxy-Anything",
    "Sec-Anything",
    "proxy-",
    "SEC-",
]


@pytest.mark.parametrize("name", FORBIDDEN_NAMES)
def test_a_forbidden_name_is_forbidden_with_any_value(name: str) -> None:
    assert _fetch.is_forbidden_request_header(name)
    assert _fetch.is_forbidden_request_header_value(name, "anything")


@pytest.mark.parametrize("name", ["Accept", "Authorization", "X-Sec-A", "Set-Cookie2", "Proxy"])
def test_other_names_are_not_forbidden(name: str) -> None:
    assert not _fetch.is_forbidden_request_header(name)
    assert not _fetch.is_forbidden_request_header_value(name, "TRACE")


@pytest.mark.parametrize("name", ["X-HTTP-Method", "x-http-method-override", "X-METHOD-OVERRIDE"])
@pytest.mark.parametrize(
    ("value", "expected"),
    table(
        ("harmless", "PUT", False),
        ("forbidden", "TRACE", True),
        ("any case", "trAck", True),
        ("among others", "GET,\tconnect , PUT", True),
        ("part of a word", "TRACES", False),
        ("quoted", '"TRACE"', False),
        ("inside a quoted list", '"a,TRACE,b"', False),
        ("after a quoted comma", '"a,b", TRACE', True),
        ("after an escaped quote", r'"a\", TRACE, b"', False),
        ("after a quote that never ends", '"a, TRACE', False),
        ("after a quote that ends in a backslash", '"a, TRACE, \\', False),
        ("empty", "", False),
    ),
)
def test_a_header_that_overrides_the_method_cannot_name_a_forbidden_one(
    name: str, value: str, expected: bool
) -> None:
    assert _fetch.is_forbidden_request_header_value(name, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    table(
        ("text", "a b", True),
        ("empty", "", True),
        ("latin", "é", True),
        ("last byte", "\xff", True),
        ("no byte", "\u0100", False),
        ("beyond the first plane", "\U0001f600", False),
        ("newline", "a\nb", False),
        ("carriage return", "a\rb", False),
        ("nul", "a\0b", False),
        ("other control characters", "\x01\x7f", True),
    ),
)
def test_header_values_are_bytes_without_newlines_and_nul(value: str, expected: bool) -> None:
    assert _fetch.is_header_value(value) is expected


def test_a_value_is_normalized_at_its_ends_only() -> None:
    assert _fetch.normalize_value("\t\r\n a \t b \n") == "a \t b"


UNSAFE_BYTES = [*map(chr, range(9)), *map(chr, range(10, 32)), *'"():<>?@[\\]{}', "\x7f"]


@pytest.mark.parametrize("byte", UNSAFE_BYTES, ids=lambda byte: f"{ord(byte):02x}")
def test_unsafe_bytes_take_the_safelist_from_accept_and_content_type(byte: str) -> None:
    assert not _fetch.is_safelisted_request_header("Accept", f"a{byte}b")
    assert not _fetch.is_safelisted_request_header("Content-Type", f"text/plain;a={byte}b")


def test_every_other_byte_is_safe_in_accept() -> None:
    safe = [chr(byte) for byte in range(256) if chr(byte) not in UNSAFE_BYTES]
    assert all(_fetch.is_safelisted_request_header("accept", byte) for byte in safe)


def test_few_bytes_are_safe_in_a_language() -> None:
    safe = {
        chr(byte)
        for byte in range(256)
        if _fetch.is_safelisted_request_header("Accept-Language", chr(byte))
    }
    assert safe == set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz *,-.;=")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    table(
        ("accept", "ACCEPT", "text/html, */*;q=0.1", True),
        ("content language", "Content-Language", "de, en", True),
        ("content language with a slash", "Content-Language", "de/en", False),
        ("empty accept", "Accept", "", True),
        ("128 bytes", "Accept", "a" * 128, True),
        ("129 bytes", "Accept", "a" * 129, False),
        ("129 bytes of language", "Accept-Language", "a" * 129, False),
        ("form", "Content-Type", "application/x-www-form-urlencoded", True),
        ("multipart", "Content-Type", "multipart/form-data; boundary=a", True),
        ("text", "content-type", "Text/Plain;charset=UTF-8", True),
        ("blanks around text", "Content-Type", " text/plain ", True),
        ("json", "Content-Type", "application/json", False),
        ("json behind text", "Content-Type", "text/plain, application/json", False),
        ("text behind json", "Content-Type", "application/json;text/plain", False),
        ("no slash", "Content-Type", "text", False),
        ("no subtype", "Content-Type", "text/", False),
        ("blank before the slash", "Content-Type", "text /plain", False),
        ("empty type", "Content-Type", "", False),
        ("semicolon before the slash", "Content-Type", "text;/plain", False),
        ("range", "Range", "bytes=0-499", True),
        ("open range", "Range", "bytes=500-", True),
        ("one byte", "Range", "bytes=5-5", True),
        ("numbers, not text", "Range", "bytes=9-10", True),
        ("backward range", "Range", "bytes=10-9", False),
        ("suffix range", "Range", "bytes=-500", False),
        ("two ranges", "Range", "bytes=0-1,3-4", False),
        ("blank in a range", "Range", "bytes= 0-1", False),
        ("other unit", "Range", "lines=0-1", False),
        ("unit in upper case", "Range", "Bytes=0-1", False),
        ("other digits", "Range", "bytes=\u0661-", False),
        ("other name", "X-Requested-With", "a", False),
        ("other name with a safe type", "X-Type", "text/plain", False),
        ("authorization", "Authorization", "a", False),
    ),
)
def test_a_request_header_is_safelisted_by_name_and_value(
    name: str, value: str, expected: bool
) -> None:
    assert _fetch.is_safelisted_request_header(name, value) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    table(
        ("none", [], ()),
        ("safelisted", [("Accept", "a"), ("Content-Type", "text/plain")], ()),
        (
            "lower case, sorted, unique",
            [("X-B", "1"), ("x-a", "2"), ("X-b", "3"), ("Accept", "a")],
            ("x-a", "x-b"),
        ),
        ("value not safelisted", [("Content-Type", "application/json")], ("content-type",)),
        ("1024 safelisted bytes", [("Accept", "a" * 128)] * 8, ()),
        (
            "1025 safelisted bytes",
            [("Accept", "a" * 128)] * 8 + [("Accept-Language", "a"), ("X-A", "")],
            ("accept", "accept-language", "x-a"),
        ),
        ("unsafe bytes do not count", [("Accept", "a" * 128), ("X-A", "a" * 1000)], ("x-a",)),
    ),
)
def test_the_names_that_need_a_preflight(
    headers: list[tuple[str, str]], expected: tuple[str, ...]
) -> None:
    assert _fetch.unsafe_request_header_names(headers) == expected


HEADERS = [("A", "1, 2"), ("B", ""), ("a", ",3")]


def test_a_header_is_got_from_all_its_lines() -> None:
    assert _fetch.header_lines(HEADERS, "a") == ["1, 2", ",3"]
    assert _fetch.header_value(HEADERS, "A") == "1, 2, ,3"
    assert _fetch.header_members(HEADERS, "a") == ["1", "2", "3"]


def test_an_empty_header_is_not_a_missing_one() -> None:
    assert _fetch.header_value(HEADERS, "b") == ""
    assert _fetch.header_members(HEADERS, "b") == []
    assert _fetch.header_value(HEADERS, "c") is None
    assert _fetch.header_members(HEADERS, "c") is None


@pytest.mark.parametrize(
    ("values", "expected"),
    table(
        ("missing", [], None),
        ("number", ["600"], 600),
        ("zero", ["0"], 0),
        ("leading zeros", ["0000000000005"], 5),
        ("negative", ["-1"], None),
        ("fraction", ["1.5"], None),
        ("empty", [""], None),
        ("word", ["ten"], None),
        ("other digits", ["\u0665"], None),
        ("twice", ["5", "5"], None),
        ("list", ["5, 5"], None),
        ("nine digits", ["999999999"], 999999999),
        ("beyond every number", ["9" * 8000], 2**31),
    ),
)
def test_max_age_is_one_number_of_seconds(values: list[str], expected: int | None) -> None:
    headers = [("access-control-MAX-age", value) for value in values]
    assert _fetch.max_age(headers) == expected
