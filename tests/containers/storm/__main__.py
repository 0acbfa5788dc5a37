"""A kill storm by command: `python -m tests.containers.storm --minutes 60 --seed N [--rate R] [--logs FOLDER]`.

`make storm MINUTES=60 SEED=N` runs it. Without a seed it draws one and prints it. It ends with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.containers.storm.storm import Asked, Storm, told


async def _main(asked: Asked, logs: Path) -> int:
    """SIGTERM ends it in good order, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    report = await Storm(asked, _says, logs).run()
    for line in told(report):
        _says(line)
    return 1 if report.problems else 0


def _says(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rate", type=float, default=20.0, help="units a second, of three and a half events each on average")
    parser.add_argument("--logs", type=Path, default=Path(".storm"), help="a folder for what the containers wrote")
    given = parser.parse_args()
    given.logs.mkdir(parents=True, exist_ok=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is what a storm is about
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(asyncio.run(_main(Asked(given.minutes * 60, given.seed, given.rate), given.logs)))
    sys.exit(130)
