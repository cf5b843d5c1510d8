"""How gunicorn serves Classifr; any setting of gunicorn's own can be changed with GUNICORN_CMD_ARGS.

Two processes of four threads: the backbone releases the interpreter's lock, so threads use both cores while others
wait for the database. A thread also waits for a slow client, so a site on the internet has a proxy in front: see
docs/decisions/0014. Nothing is loaded before the fork; each process loads the model before its first request.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

from classifr.environment import SettingRefused

try:
    from classifr import settings
except SettingRefused as exc:
    sys.exit(str(exc))

bind = f"{settings.CLASSIFR_HOST}:{settings.CLASSIFR_PORT}"
workers = settings.WEB_CONCURRENCY
worker_class = "gthread"
threads = 4
timeout = 60  # seconds without a sign of life
graceful_timeout = 4  # seconds; `classifr.supervision` waits for ten
keepalive = 15  # seconds
limit_request_line = 0  # programs name hundreds of ids in an address, more than the 8190 bytes that could be set
max_requests = 5000
max_requests_jitter = 500
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """Load the model; Django is there from here on."""
    from classifier.readiness import warm_up

    warm_up()


def on_exit(server: Any) -> None:
    """Stop the embedded database if nobody uses it: a web process that was killed at its end could not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "classifr.settings")
    from classifr.embedded_postgres.base import embedded_server

    embedded_server().stop_if_unused()


KEPT_BYTES = 220_000_000  # of a process that has its model and has answered: 150 to 200 MB
_trim_heaps = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it, and needs it


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Give the memory of large requests back: small blocks that outlive them would keep it in the heaps of glibc."""
    if _trim_heaps and _resident_bytes() > KEPT_BYTES:
        _trim_heaps(0)  # which takes a few milliseconds


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
