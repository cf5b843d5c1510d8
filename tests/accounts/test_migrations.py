"""Tables may come back from a backup in which a migration had not been done yet."""

from importlib import import_module

import pytest
from django.db import connection

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_function_that_a_restore_left_is_taken_over() -> None:
    forward = import_module("accounts.migrations.0005_keys_tell_of_changes").FORWARD
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER tell_rows_changed ON accounts_apikey")  # as the table went, the function did not

        cursor.execute(forward)

        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'accounts_apikey'::regclass AND NOT tgisinternal"
        )
        assert cursor.fetchone() == (1,)
