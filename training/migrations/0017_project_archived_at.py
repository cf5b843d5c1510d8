"""A project can be archived: kept, and out of sight."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0016_project_access")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="archived_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="Since when it is out of lists and pickers.", null=True
            ),
        ),
    ]
