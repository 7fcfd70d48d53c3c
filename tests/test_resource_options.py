"""ResourceOptions: checked once, immutable ever after."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from aiohttp_cors import ResourceOptions

FULL = ResourceOptions(
    allow_credentials=True,
    expose_headers=["X-B", "X-A"],
    allow_headers={"x-c"},
    max_age=60,
    allow_methods=("put", "GET"),
)


def pickled(options: ResourceOptions) -> Any:
    return pickle.loads(pickle.dumps(options))


COPIES: list[Callable[[ResourceOptions], Any]] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("options", [ResourceOptions(), FULL, ResourceOptions(allow_methods="*")])
def test_a_copy_is_equal_and_has_the_same_hash(copied: Any, options: ResourceOptions) -> None:
    twin = copied(options)
    assert twin == options
    assert hash(twin) == hash(options)
    assert repr(twin) == repr(options)


@pytest.mark.parametrize("option", ["expose_headers", "allow_headers", "allow_methods"])
@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_names_come_in_any_collection(option: str, kind: Any) -> None:
    given: Any = {option: kind(["A", "B"])}
    options = ResourceOptions(**given)
    assert getattr(options, option) == frozenset({"A", "B"})


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"allow_headers": "X-A"},
            "'allow_headers' must be .* got 'X-A'; did you mean \\['X-A'\\]",
        ),
        ({"expose_headers": b"X-A"}, "'expose_headers' must be .* did you mean \\['X-A'\\]"),
        (
            {"allow_methods": bytearray(b"PUT")},
            "'allow_methods' must be .* did you mean \\['PUT'\\]",
        ),
        (
            {"allow_methods": 5},
            "'allow_methods' must be '\\*' or a collection of method names, got 5",
        ),
        ({"allow_headers": {"X-A": 1}}, "'allow_headers' must be"),
        ({"allow_headers": iter(["X-A"])}, "'allow_headers' must be"),
        ({"allow_headers": None}, "'allow_headers' must be"),
        ({"allow_headers": [b"X-A"]}, "b'X-A' is not a str"),
        ({"allow_methods": [None]}, "None is not a str"),
        ({"expose_headers": ["X-A\r\nSet-Cookie: a=b"]}, "is not a name"),
        ({"expose_headers": [""]}, "'' is not a name"),
        ({"allow_headers": ["X A"]}, "'X A' is not a name"),
        ({"allow_headers": ["X-A,X-B"]}, "'X-A,X-B' is not a name"),
        ({"allow_methods": ["GET "]}, "'GET ' is not a name"),
        ({"allow_methods": ["GÉT"]}, "'GÉT' is not a name"),
        (
            {"max_age": True},
            "'max_age' must be a whole number of seconds from 0, or None, got True",
        ),
        ({"max_age": -1}, "got -1"),
        ({"max_age": 1.5}, "got 1.5"),
        ({"max_age": "60"}, "got '60'"),
        ({"allow_credentials": 1}, "'allow_credentials' must be True or False, got 1"),
        ({"allow_credentials": "yes"}, "got 'yes'"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_the_remedy(
    options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        ResourceOptions(**options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (ResourceOptions(), "ResourceOptions()"),
        (
            FULL,
            "ResourceOptions(allow_credentials=True, expose_headers=['X-A', 'X-B'], "
            "allow_headers=['X-C'], max_age=60, allow_methods=['GET', 'PUT'])",
        ),
        (
            ResourceOptions(expose_headers="*", allow_headers="*", max_age=0, allow_methods=[]),
            "ResourceOptions(expose_headers='*', allow_headers='*', max_age=0, allow_methods=[])",
        ),
    ],
)
def test_the_repr_is_what_makes_it_again(options: ResourceOptions, text: str) -> None:
    assert repr(options) == text
    assert eval(text, {"ResourceOptions": ResourceOptions}) == options


def test_a_whole_number_of_another_type_becomes_an_int() -> None:
    class Seconds(int):
        pass

    assert type(ResourceOptions(max_age=Seconds(5)).max_age) is int


@pytest.mark.parametrize(
    ("allow_methods", "method", "allowed"),
    [
        (None, "GET", False),
        ("*", "ANY", True),
        (["PUT"], "put", True),
        (["PUT"], "GET", False),
        ([], "GET", False),
    ],
)
def test_a_method_is_allowed_if_it_is_named(allow_methods: Any, method: str, allowed: bool) -> None:
    assert ResourceOptions(allow_methods=allow_methods).is_method_allowed(method) is allowed
