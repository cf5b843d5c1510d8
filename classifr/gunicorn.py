"""How gunicorn serves Classifr; any setting of gunicorn's own can be changed with GUNICORN_CMD_ARGS.

Two processes of four threads: the backbone releases the interpreter's lock, so threads use both cores while others
wait for the database. Nothing is loaded before the fork; each process loads the model before its first request.
"""

import ctypes
import os
from typing import Any

bind = f"{os.environ.get('CLASSIFR_HOST', '127.0.0.1')}:{os.environ.get('CLASSIFR_PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "classifr.patient_worker.PatientWorker"
threads = 4
timeout = 60  # seconds without a sign of life
graceful_timeout = 4  # seconds; the Procfile runner waits for five
keepalive = 15  # seconds
limit_request_line = 0  # programs name hundreds of ids in an address; patient_connection limits the whole head
max_requests = 5000
max_requests_jitter = 500
loglevel = "warning"

MEBI = 1024 * 1024
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h


def on_starting(server: Any) -> None:
    """Let glibc keep what a large photo or a batch takes for the next one, and give back what is beyond that.

    Memory that is new from the kernel costs a fifth of the time of a large photo, a twentieth of a batch's. With an
    arena for each thread, holes of 50 MB stayed.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # other C libraries have no such thing, and no such arenas
        libc.mallopt(M_ARENA_MAX, 2)
        libc.mallopt(M_MMAP_THRESHOLD, 16 * MEBI)
        libc.mallopt(M_TRIM_THRESHOLD, 32 * MEBI)


def post_worker_init(worker: Any) -> None:
    """Load the model; Django is there from here on."""
    from classifier.readiness import warm_up

    warm_up()
