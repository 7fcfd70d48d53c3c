"""`ResourceOptions`: what it takes, and what it makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from aiohttp_cors import ResourceOptions


def test_options_grant_nothing_but_the_origin_by_default() -> None:
    options = ResourceOptions()
    assert options.allow_credentials is False
    assert options.expose_headers == frozenset()
    assert options.allow_headers == frozenset()
    assert options.max_age is None
    assert options.allow_methods is None


def test_options_are_keyword_only() -> None:
    make: Any = ResourceOptions
    with pytest.raises(TypeError):
        make(True)


def test_an_unknown_option_is_refused() -> None:
    make: Any = ResourceOptions
    with pytest.raises(TypeError, match="allow_origins"):
        make(allow_origins="*")


@pytest.mark.parametrize("name", ["expose_headers", "allow_headers", "allow_methods"])
def test_a_star_stays_a_star(name: str) -> None:
    arguments: dict[str, Any] = {name: "*"}
    assert getattr(ResourceOptions(**arguments), name) == "*"


@pytest.mark.parametrize("collection", [list, tuple], ids=["list", "tuple"])
@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("allow_headers", ["x-one", "X-Two"], {"X-ONE", "X-TWO"}),
        ("allow_headers", ["x-one", "X-One"], {"X-ONE"}),
        ("allow_headers", [], set[str]()),
        ("allow_methods", ["get", "Post", "PUT"], {"GET", "POST", "PUT"}),
        ("allow_methods", [], set[str]()),
        ("expose_headers", ["X-One", "X-Two", "X-One"], {"X-One", "X-Two"}),
        ("expose_headers", [], set[str]()),
    ],
)
def test_names_are_kept_as_a_frozenset(
    collection: Any, name: str, given: list[str], kept: set[str]
) -> None:
    arguments: dict[str, Any] = {name: collection(given)}
    value = getattr(ResourceOptions(**arguments), name)
    assert isinstance(value, frozenset)
    assert value == kept


@pytest.mark.parametrize("max_age", [None, 0, 1, 86400])
def test_max_age_is_none_or_a_number_of_seconds(max_age: int | None) -> None:
    assert ResourceOptions(max_age=max_age).max_age == max_age


WRONG_VALUES = [
    ("allow_credentials", None),
    ("allow_credentials", 1),
    ("allow_credentials", "true"),
    ("expose_headers", None),
    ("expose_headers", "X-One"),
    ("expose_headers", 1),
    ("allow_headers", None),
    ("allow_headers", "X-One, X-Two"),
    ("allow_headers", 1),
    ("allow_methods", "GET"),
    ("allow_methods", 1),
    ("max_age", -1),
    ("max_age", 1.5),
    ("max_age", "60"),
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_and_its_option_named(name: str, value: object) -> None:
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        ResourceOptions(**arguments)


@pytest.mark.parametrize(
    ("allow_methods", "method", "allowed"),
    [
        (None, "GET", False),
        ([], "GET", False),
        (["GET"], "GET", True),
        (["GET"], "get", True),
        (["get"], "GET", True),
        (["GET"], "POST", False),
        (["GET"], "", False),
        ("*", "GET", True),
        ("*", "BREW", True),
    ],
)
def test_is_method_allowed(allow_methods: Any, method: str, allowed: bool) -> None:
    assert ResourceOptions(allow_methods=allow_methods).is_method_allowed(method) is allowed


def test_options_are_equal_when_they_mean_the_same() -> None:
    one = ResourceOptions(allow_headers=["x-one", "X-Two"], allow_methods=("get", "PUT"))
    two = ResourceOptions(allow_headers=("X-TWO", "X-ONE"), allow_methods=["PUT", "GET"])
    assert one == two
    assert hash(one) == hash(two)
    assert len({one, two}) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"allow_credentials": True},
        {"expose_headers": ["X-One"]},
        {"expose_headers": "*"},
        {"allow_headers": ["X-One"]},
        {"allow_headers": "*"},
        {"max_age": 0},
        {"allow_methods": []},
        {"allow_methods": "*"},
    ],
    ids=repr,
)
def test_options_differ_when_one_option_does(arguments: dict[str, Any]) -> None:
    assert ResourceOptions(**arguments) != ResourceOptions()


@pytest.mark.parametrize("name", ["allow_credentials", "allow_headers", "max_age", "unheard_of"])
def test_options_cannot_be_changed(name: str) -> None:
    options = ResourceOptions()
    with pytest.raises(AttributeError):
        setattr(options, name, True)


def test_the_repr_shows_the_options() -> None:
    shown = repr(ResourceOptions(allow_credentials=True, allow_headers=["x-one"], max_age=60))
    assert "ResourceOptions" in shown
    assert "allow_credentials=True" in shown
    assert "X-ONE" in shown
    assert "max_age=60" in shown
