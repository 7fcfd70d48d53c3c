"""One worker with the application of one contender: python -m benchmarks._server NAME PACKAGES.

It writes its port to standard output, then for each line on standard input the seconds of CPU
time that it has used, until the input ends.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from aiohttp import web

from ._apps import ONE, library, make_app


async def serve(contender: str, packages: Path) -> None:
    """Serve on a free port of the loopback interface."""
    runner = web.AppRunner(make_app(contender, library(contender, packages), ONE), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(time.process_time(), flush=True)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
