"""Tables may come back from a backup in which a migration had not been done yet."""

from importlib import import_module

import pytest
from django.db import connection

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_tables_of_an_earlier_release_go() -> None:
    forward = import_module("accounts.migrations.0006_own_sign_in_counts").FORWARD
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE axes_accessattempt (id int)")
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('axes', '0001_initial', now())")

        cursor.execute(forward)

        cursor.execute("SELECT to_regclass('axes_accessattempt'), count(*) FROM django_migrations WHERE app = 'axes'")
        assert cursor.fetchone() == (None, 0)


def test_function_that_a_restore_left_is_taken_over() -> None:
    forward = import_module("accounts.migrations.0005_keys_tell_of_changes").FORWARD
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER tell_rows_changed ON accounts_apikey")  # as the table went, the function did not

        cursor.execute(forward)

        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'accounts_apikey'::regclass AND NOT tgisinternal"
        )
        assert cursor.fetchone() == (1,)
