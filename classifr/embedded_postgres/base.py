"""Django's PostgreSQL backend on the server that Classifr carries itself, under `CLASSIFR_VAR`.

The server starts at the first connection and is shared by all processes of one `CLASSIFR_VAR`; the last one to end
stops it.
"""

from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base

from classifr.embedded_postgres.server import Server, ensure_database, server_of

patience_s: float | None = None
"""How long a connection waits for a server that starts or recovers; None: as long as it takes. Web processes set it."""


def embedded_server() -> Server:
    """Return this process's hold on the server under `CLASSIFR_VAR`."""
    return server_of(settings.CLASSIFR_VAR / "postgres")


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects through the embedded server's socket, and starts the server again if it is gone."""

    def get_connection_params(self) -> dict[str, Any]:
        if not self.settings_dict["HOST"]:
            self._start_server()
        return super().get_connection_params()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        try:
            return super().get_new_connection(conn_params)
        except psycopg2.OperationalError:
            return super().get_new_connection(conn_params | {"host": self._start_server()})

    def _start_server(self) -> str:
        host = embedded_server().start(patience_s=patience_s)
        ensure_database(host, "classifr")
        self.settings_dict["HOST"] = str(host)
        return str(host)
