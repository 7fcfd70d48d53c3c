"""`python -m aiohttp_cors audit`: what the pages of other origins may do with an application."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING

from .._audit import Audit, audit
from .._findings import Code, Finding
from .._text import printable
from ._output import show, terminal
from ._target import TargetError, load

if TYPE_CHECKING:
    from rich.console import Console

_EPILOG = """
TARGET is imported, and asked what it would serve; it is not started.

exit status: 0, 1 for a finding of --fail-on, 2 usage error
"""

_CODES = tuple(code.value for code in Code)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("target", metavar="TARGET", help="module:app or module:function")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--fail-on",
        type=_codes,
        default=frozenset(),
        metavar="CODE,...|any",
        help="findings that make the exit status 1; any: all that strict mode raises",
    )


def _codes(text: str) -> frozenset[str]:
    codes = frozenset(code.strip() for code in text.split(","))
    if unknown := sorted(codes.difference(_CODES, ["any"])):
        raise argparse.ArgumentTypeError(
            f"{', '.join(map(repr, unknown))}: the codes are {', '.join(_CODES)}, and any"
        )
    return codes


def run(options: argparse.Namespace) -> int:
    """Print the audit.

    :returns: 0, 1 if there is a finding that shall fail, 2 if there is nothing to audit.
    """
    # What is unwise is told below, not in the log, too, unless the application asks for one.
    logging.getLogger("aiohttp_cors").addHandler(logging.NullHandler())
    try:
        audited = asyncio.run(_audited(options.target))
    except (TargetError, ValueError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(audited.to_dict(), indent=2))
    elif (console := terminal()) is not None:
        _show_tables(audited, console)
    else:
        show(audited.lines())
    return int(any(_fails(finding, options.fail_on) for finding in audited.findings))


async def _audited(target: str) -> Audit:
    return audit(await load(target))


def _fails(finding: Finding, codes: frozenset[str]) -> bool:
    return finding.code in codes or (finding.is_problem and "any" in codes)


def _show_tables(audited: Audit, console: Console) -> None:
    from rich.table import Table  # noqa: PLC0415  # of the extra `cli`
    from rich.text import Text  # noqa: PLC0415

    for path, grants in audited.by_path():
        table = Table(title=Text(printable(path)), title_justify="left", expand=True)
        for heading in ("Origin", "Methods", "May also", "From"):
            table.add_column(heading, overflow="fold")
        for grant in grants:
            table.add_row(*(Text(printable(cell)) for cell in grant.cells))
        console.print(table)
    show(audited.rest())
