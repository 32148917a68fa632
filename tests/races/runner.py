"""The racers' stable: one process that has read all the code, and forks a racer with a connection of its own each time.

`python -m tests.races.runner <port>`: forks once for each line it reads, which is the racer's name, and ends with its
input. A racer reads a job a line from the socket, says `ready`, waits for `go`, does it, and answers with one line of
JSON. One who is called `<name> without-locks` locks nothing: whoever watches must see that.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import traceback
from datetime import datetime
from typing import Any, TextIO

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import QuerySet  # noqa: E402

from leads import clock, wake  # noqa: E402
from leads.errors import Refused  # noqa: E402
from tests.races.jobs import JOBS  # noqa: E402


def main(port: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    wake._publish = lambda kind: None
    for line in sys.stdin:
        if os.fork() == 0:
            name, *how = line.split()
            connection.settings_dict["OPTIONS"]["application_name"] = name
            if "without-locks" in how:
                QuerySet.select_for_update = lambda rows, *_, **__: rows  # type: ignore[method-assign,assignment]
            with socket.create_connection(("127.0.0.1", port)) as track:
                _race(track.makefile("rw"))
            os._exit(0)


def _race(track: TextIO) -> None:
    for line in track:
        job = json.loads(line)
        # Another test may have ended the connections of all that came before it.
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        _say(track, "ready")
        track.readline()
        _say(track, json.dumps(_do(**job)))


def _do(do: str, *, late: float, now: str | None, when: float | None = None, **job: Any) -> dict[str, Any]:
    """Do it as if it were `now`; or by the wall's clock, in the moment `when`."""
    time.sleep(late if when is None else max(0.0, when - time.time()))
    instant = datetime.fromisoformat(now) if now is not None else clock.now()
    began = time.monotonic()
    try:
        said = {"answer": JOBS[do](instant, **job)}
    except Refused as refusal:
        said = {"refused": refusal.code, "said": str(refusal), **refusal.state}
    except Exception:
        said = {"error": traceback.format_exc()}
    return {"at": instant.isoformat(), **said, "began": began, "ended": time.monotonic()}


def _say(track: TextIO, word: str) -> None:
    track.write(f"{word}\n")
    track.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
