"""`manage.py worker`."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from jobs import services
from jobs.progress import worker_is_stopping

logger = logging.getLogger(__name__)

CHECK_S = 5
RETRY_S = 2


class Command(BaseCommand):
    help = "Do the background work: what pages and commands queue, and what comes back by itself."

    def handle(self, **options: Any) -> None:
        ending = threading.Event()
        scheduler = threading.Thread(target=self.schedule, args=[ending], daemon=True)
        scheduler.start()
        try:
            self.work()
        finally:
            ending.set()
            scheduler.join()

    def work(self) -> None:
        """Run tasks until asked to end, through restarts of the database."""
        while True:
            worker = make_worker()
            try:
                worker.run()
            except (InterfaceError, OperationalError) as exc:
                self.stderr.write(f"The database went away, next try in {RETRY_S} s: {exc}")
                connection.close()
                time.sleep(RETRY_S)
            else:
                return

    def schedule(self, ending: threading.Event) -> None:
        """Queue what is due or was lost until asked to end; a database that is away is asked again later."""
        while True:
            try:
                services.take_up_lost_jobs()
                services.queue_due_tasks()
            except Exception:  # whatever it is, the worker must not go on without its schedule
                logger.exception("Schedule failed, next try in %s s", CHECK_S)
                connection.close()
            if ending.wait(CHECK_S):
                connection.close()
                return


def make_worker() -> Worker:
    """Return django-tasks' worker; a job that is running at shutdown goes back to the queue."""
    worker = Worker(
        queue_names=["default"],
        excluded_queue_names=[],
        interval=0.5,
        batch=False,
        backend_name="default",
        startup_delay=True,
        max_tasks=None,
        worker_id=get_random_string(32),
    )

    def end(signum: int, frame: FrameType | None) -> None:
        worker_is_stopping.set()
        worker.shutdown(signum, frame)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, end)
    return worker
