"""When the database is away: it starts, stops, recovers, or is gone."""

from django.db import InterfaceError, OperationalError

RETRY_AFTER_S = 5
_TOO_MANY_CONNECTIONS = "53300"
_STOPPED_OR_NOT_YET_STARTED = "57P"


def is_outage(exc: BaseException | None) -> bool:
    """Say whether the database was away when that was raised: what was asked is worth asking again."""
    if not isinstance(exc, OperationalError | InterfaceError):
        return False
    code = getattr(exc.__cause__, "pgcode", None)  # None: nobody was there to give one
    return code is None or code == _TOO_MANY_CONNECTIONS or code.startswith(_STOPPED_OR_NOT_YET_STARTED)
