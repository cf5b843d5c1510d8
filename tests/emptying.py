"""The tests' database is emptied after a test whose rows were committed."""

from functools import cache
from typing import Any

from django.db import connection, transaction

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
"""What migrations leave and no test changes; Django would make it again for every test."""


@cache
def _question() -> str:
    """Return the query that names the tables in which there are rows."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM {connection.ops.quote_name(name)})"  # noqa: S608
        for name in names
        if name not in KEPT
    )


def empty_tables(*_: Any) -> None:
    """Delete all rows: Django's TRUNCATE makes each table's files anew, whether or not it had any rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_question())
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")  # noqa: S608
