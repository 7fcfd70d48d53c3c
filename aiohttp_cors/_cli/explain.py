"""`python -m aiohttp_cors explain`: why a page may, or may not, read an answer."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import aiohttp

from .. import _explain
from .._explanation import Explanation
from ._output import show
from ._target import TargetError, is_url, load

_EPILOG = """
TARGET module:app or module:function is asked what it would answer; none of its
handlers and middlewares run, and it is not started. A URL is asked over the
network: the preflight as a browser would send it, and if that passes, THE
ACTUAL REQUEST, really, with whatever it does there.

exit status: 0 the page can read the answer, 1 it is blocked, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "target", metavar="TARGET", help="module:app, module:function, or the URL of a server"
    )
    parser.add_argument("method", metavar="METHOD", help="as the page writes it in fetch()")
    parser.add_argument("path", metavar="PATH", help="with the query; or a URL")
    parser.add_argument("--origin", required=True, metavar="ORIGIN", help="of the page, or null")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="NAME[: VALUE]",
        help="that the page sets; can be given again",
    )
    parser.add_argument(
        "--credentials", action="store_true", help="with cookies: fetch's credentials: 'include'"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def run(options: argparse.Namespace) -> int:
    """Print the explanation.

    :returns: 0 if the page can read the answer, 1 if it is blocked, 2 if nobody could be asked.
    """
    try:
        explanation = asyncio.run(_explained(options))
    except (TargetError, ValueError) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        what = str(error) or type(error).__name__
        print(f"explain: cannot ask {options.target}: {what}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(explanation.to_dict(), indent=2))
    else:
        show(explanation.lines())
    return 0 if explanation.readable else 1


async def _explained(options: argparse.Namespace) -> Explanation:
    request = {
        "origin": options.origin,
        "headers": options.header,
        "credentials": options.credentials,
    }
    if is_url(options.target):
        return await _explain.explain_url(options.target, options.method, options.path, **request)
    app = await load(options.target)
    return await _explain.explain(app, options.method, options.path, **request)
