"""Keys that stand for many origins: wildcards, expressions, resolvers."""

import re
from collections.abc import Iterable

import pytest
from aiohttp import web

from aiohttp_cors._origins import (
    Ask,
    OriginKey,
    Patterns,
    Wildcard,
    is_wildcard,
    parse_wildcard,
)


def first(keys: Iterable[OriginKey], origin: str) -> object:
    """The first of `keys` that `origin` matches, or what has to be asked."""
    return Patterns([(key, key) for key in keys]).first(origin, {})


def yes(_request: web.Request, _origin: str) -> bool:
    return True


def no(_request: web.Request, _origin: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https://*.example.com", "https://a.example.com"),
        ("https://*.example.com", "https://a.b.c.example.com"),
        ("https://*.example.com", "https://xn--bcher-kva.example.com"),
        ("https://*.example.com:8443", "https://a.example.com:8443"),
        ("https://*.example.com:*", "https://a.example.com"),
        ("https://*.example.com:*", "https://a.example.com:1"),
        ("https://*.com", "https://example.com"),
        ("http://localhost:*", "http://localhost"),
        ("http://localhost:*", "http://localhost:5173"),
        ("http://127.0.0.1:*", "http://127.0.0.1:80"),
        ("http://[::1]:*", "http://[::1]:3000"),
        ("app+x.1-y://*.example.com", "app+x.1-y://a.example.com"),
    ],
)
def test_a_wildcard_matches(pattern: str, origin: str) -> None:
    assert first([pattern], origin) == pattern


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https://*.example.com", "https://example.com"),
        ("https://*.example.com", "http://a.example.com"),
        ("https://*.example.com", "https://a.example.com:8443"),
        ("https://*.example.com", "https://a.example.com.evil.io"),
        ("https://*.example.com", "https://aexample.com"),
        ("https://*.example.com", "https://evil.io/.example.com"),
        ("https://*.example.com", "https://evil.io#.example.com"),
        ("https://*.example.com", "https://user@a.example.com"),
        ("https://*.example.com", "https://.example.com"),
        ("https://*.example.com", "https://a..example.com"),
        ("https://*.example.com", "https://A.example.com"),
        ("https://*.example.com", "https://a.example.com."),
        ("https://*.example.com", "https://a.example.com/"),
        ("https://*.example.com", "https://a.example.com:"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com:8443", "https://a.example.com"),
        ("http://localhost:*", "http://localhost.evil.io"),
        ("http://localhost:*", "http://a.localhost:1"),
        ("http://localhost:*", "https://localhost:1"),
        ("http://localhost:*", "http://localhost:"),
        ("http://localhost:*", "http://localhost:x"),
        ("http://localhost:*", "http://localhost:123456"),
        ("http://localhost:*", "null"),
        ("http://localhost:*", ""),
        ("http://localhost:*", "http://localhost:1\n"),
    ],
)
def test_a_wildcard_does_not_match(pattern: str, origin: str) -> None:
    assert first([pattern], origin) is None


def test_a_host_longer_than_a_name_can_be_is_not_taken_apart() -> None:
    longest = "a." * 121 + "example.com"
    assert len(longest) == 253
    assert first(["https://*.example.com"], f"https://{longest}") == "https://*.example.com"
    assert first(["https://*.example.com"], f"https://a{longest}") is None


@pytest.mark.parametrize(
    "text",
    [
        "*.example.com",
        "https://*",
        "https://*:443",
        "https://a.*.com",
        "https://*a.example.com",
        "https://*.*.example.com",
        "https://example.*",
        "*://example.com",
        "http*://example.com",
        "HTTPS://*.example.com",
        "https://*.Example.com",
        "https://*.example.com/",
        "https://*.bücher.example",
        "https://*.example.com:80*",
        "http://localhost:**",
        "http://*.127.0.0.1",
        "http://*.1.2.3.4:*",
        "http://*.[::1]",
        "**",
    ],
)
def test_an_ill_formed_pattern_is_refused_with_the_remedy(text: str) -> None:
    assert is_wildcard(text)
    with pytest.raises(ValueError, match=f"^origin pattern {re.escape(repr(text))} is ill-formed"):
        parse_wildcard(text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (
            "https://a.*.com",
            "a '*' stands for the labels in front of a host, as in 'https://*.example.com', or "
            "for the port, as in 'http://localhost:*'; for anything else use a re.Pattern",
        ),
        (
            "http://*.127.0.0.1",
            "an IP address has no subdomains; list the addresses one by one",
        ),
    ],
)
def test_the_remedy_for_an_ill_formed_pattern_is_told(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="is ill-formed") as caught:
        parse_wildcard(text)
    assert str(caught.value) == f"origin pattern {text!r} is ill-formed: {remedy}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://*.example.com", Wildcard("https", True, "example.com", "")),
        ("https://*.example.com:8443", Wildcard("https", True, "example.com", "8443")),
        ("http://localhost:*", Wildcard("http", False, "localhost", "*")),
    ],
)
def test_a_pattern_is_taken_apart(text: str, parts: Wildcard) -> None:
    assert parse_wildcard(text) == parts


def test_a_star_alone_and_a_plain_origin_are_no_wildcards() -> None:
    assert not is_wildcard("*")
    assert not is_wildcard("https://example.com")
    assert not is_wildcard(re.compile("https://.*"))


def test_an_expression_has_to_match_the_whole_origin() -> None:
    key = re.compile(r"https://(a|b)\.example\.com")
    assert first([key], "https://a.example.com") is key
    assert first([key], "https://a.example.com.evil.io") is None
    assert first([key], "xhttps://a.example.com") is None


def test_the_first_key_in_the_order_written_decides() -> None:
    wildcard, expression = "https://*.example.com", re.compile("https://a.*")
    wider = "https://*.com"
    origin = "https://a.example.com"
    assert first([wildcard, expression, wider], origin) == wildcard
    assert first([expression, wildcard], origin) is expression
    assert first([wider, wildcard], origin) == wider
    assert first([expression, wildcard], "https://b.example.com") == wildcard


def test_a_resolver_is_asked_only_if_nothing_before_it_matches() -> None:
    wildcard = "https://*.example.com"
    assert first([wildcard, yes], "https://a.example.com") == wildcard
    assert first([yes, wildcard], "https://a.example.com") == Ask(yes)
    assert first([wildcard, yes], "https://other.example") == Ask(yes)


def test_the_search_goes_on_with_what_the_resolvers_said() -> None:
    patterns = Patterns([(no, "no"), (yes, "yes")])
    assert patterns.first("null", {no: False}) == Ask(yes)
    assert patterns.first("null", {no: False, yes: True}) == "yes"
    assert patterns.first("null", {no: False, yes: False}) is None
    assert patterns.first("null", {no: True}) == "no"


def test_no_keys_match_nothing() -> None:
    assert not Patterns[str](())
    assert first([], "https://a.example.com") is None
