"""Why the embedded PostgreSQL does not serve."""

from django.db import OperationalError


class NotServing(OperationalError):
    """It cannot be started: the sentence says why, and what to do."""


class StillStarting(OperationalError):
    """It starts, stops or recovers; whoever asked does not wait so long."""
