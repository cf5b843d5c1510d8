#!/usr/bin/env python
"""Classifr's command line."""

import os
import signal
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError

from classifr.environment import SettingRefused
from web.outages import is_outage


def end_in_order() -> None:
    """Let whoever ends this process have it end as by Ctrl-C: the last user of the embedded PostgreSQL stops it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, _: sys.exit(128 + number))


if __name__ == "__main__":
    end_in_order()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "classifr.settings")
    try:
        execute_from_command_line(sys.argv)
    except SettingRefused as exc:
        sys.exit(str(exc))
    except OperationalError as exc:
        if not is_outage(exc):
            raise
        name = "The database that DATABASE_URL names" if settings.DATABASE_URL else "The database"
        sys.exit(f"{name} cannot be reached: {' '.join(str(exc).split())}")
