from django.db import migrations


class Migration(migrations.Migration):
    """Photos that wait for a verdict reach neither the write-ahead log nor a backup made from it."""

    dependencies = [("classifier", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE classifier_pendingphoto SET UNLOGGED", "ALTER TABLE classifier_pendingphoto SET LOGGED"
        )
    ]
