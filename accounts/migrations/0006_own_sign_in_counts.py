from django.db import migrations

FORWARD = """
DROP TABLE IF EXISTS axes_accessattemptexpiration, axes_accessattempt, axes_accesslog, axes_accessfailurelog;
DELETE FROM django_migrations WHERE app = 'axes';
"""


class Migration(migrations.Migration):
    """Failed sign-ins are counted in our own table; what django-axes had written down goes with it."""

    dependencies = [("accounts", "0005_keys_tell_of_changes")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
