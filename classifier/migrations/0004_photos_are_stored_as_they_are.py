from django.db import migrations


class Migration(migrations.Migration):
    """A JPEG cannot be compressed: trying costs several milliseconds a photo."""

    dependencies = [("classifier", "0003_held_photos")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE classifier_pendingphoto ALTER COLUMN content SET STORAGE EXTERNAL",
            "ALTER TABLE classifier_pendingphoto ALTER COLUMN content SET STORAGE EXTENDED",
        )
    ]
