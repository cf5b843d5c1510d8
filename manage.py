#!/usr/bin/env python
"""Classifr's command line."""

import os
import signal
import sys

from django.core.management import execute_from_command_line

from classifr.environment import SettingRefused


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
