"""Rows that every request asks for, cached until PostgreSQL announces a change.

Triggers notify every connection that listens, as soon as a change is committed: see the migrations. To look for a
notification is to look at the connection's socket, a hundredth of a statement. See docs/decisions/0013.
"""

import select
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import psycopg2
from django.db import connection

Value = TypeVar("Value")

CHANNEL = "classifr_rows_changed"
TRUSTED_S = 5.0
"""How long anything is cached at most: a broken network swallows notifications."""
_MOST = 1024


class _Cache(threading.local):
    """What the connection of this thread has read since PostgreSQL last announced a change."""

    def __init__(self) -> None:
        self.session: Any = None  # psycopg2's connection, which listens
        self.rows: dict[Hashable, object] = {}
        self.until = 0.0

    def forget(self) -> None:
        self.rows = {}
        self.until = time.monotonic() + TRUSTED_S


_cache = _Cache()


def cached(key: Hashable, read: Callable[[], Value | None]) -> Value | None:
    """Return what `read` finds in the rows of keys, projects and iterations, without asking again until these change.

    Only these tables have the trigger, and users for being active. Misses are not cached. In a transaction everything
    is read again: it may have changed rows itself, and gets no notification before its end. Requests of the same thread
    share the value: treat it as read-only.
    """
    if connection.in_atomic_block or not _is_listening():
        return read()
    if key not in _cache.rows:
        value = read()
        if value is None:
            return None
        if len(_cache.rows) == _MOST:
            _cache.forget()
        _cache.rows[key] = value
    return cast(Value, _cache.rows[key])


def _is_listening() -> bool:
    """Say whether this thread's connection listens, and forget what may have changed. False: it is lost."""
    if _cache.session is None or _cache.session is not connection.connection:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        _cache.session = connection.connection
        _cache.forget()
        return True
    try:
        has_changed = _has_changed(_cache.session)
    except psycopg2.Error:  # the server is gone, or has closed it; Django connects anew
        _cache.session = None
        return False
    if has_changed or time.monotonic() > _cache.until:
        _cache.forget()
    return True


def _has_changed(session: Any) -> bool:
    """Say whether PostgreSQL has announced a change, by itself or with another answer. Raises psycopg2.Error."""
    poller = select.poll()
    poller.register(session, select.POLLIN)
    while poller.poll(0):  # a server that closes says why first; only then the end is found, and raised
        session.poll()
    has_changed = bool(session.notifies)
    session.notifies.clear()
    return has_changed
