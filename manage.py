#!/usr/bin/env python
"""Classifr's command line."""

import os
import signal
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    # Who is told to end goes by way of `atexit`: the last user of the embedded PostgreSQL stops it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "classifr.settings")
    execute_from_command_line(sys.argv)
