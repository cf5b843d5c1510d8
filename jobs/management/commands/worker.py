"""`manage.py worker`."""

import threading
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error, InterfaceError, OperationalError, connection

from jobs import services

CHECK_S = 15
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
        """Run tasks until told to end, through restarts of the database."""
        while True:
            try:
                call_command("db_worker", reload=False, interval=0.5)
            except (InterfaceError, OperationalError) as exc:
                self.stderr.write(f"The database went away, next try in {RETRY_S} s: {exc}")
                connection.close()
                time.sleep(RETRY_S)
            else:
                return

    def schedule(self, ending: threading.Event) -> None:
        """Queue what is due until told to end; a database that is away is asked again later."""
        while True:
            try:
                services.queue_due_tasks()
            except Error as exc:
                self.stderr.write(f"The schedule could not be read, next try in {CHECK_S} s: {exc}")
                connection.close()
            if ending.wait(CHECK_S):
                connection.close()
                return
