from django.db import migrations, models


class Migration(migrations.Migration):
    """Requests are counted in a table that reaches no write-ahead log: a crash forgets one minute."""

    dependencies = [("accounts", "0002_roles")]
    operations = [
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE accounts_requestcount SET UNLOGGED", "ALTER TABLE accounts_requestcount SET LOGGED"
        ),
    ]
