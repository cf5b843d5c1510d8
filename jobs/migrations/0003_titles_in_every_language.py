"""Titles are kept in English, with their values beside them; those of before stay as they were written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_job")]

    operations = [
        migrations.RenameField(model_name="job", old_name="title", new_name="msgid"),
        migrations.AlterField(
            model_name="job",
            name="msgid",
            field=models.CharField(
                help_text="The title in English, with a place for each of its values.", max_length=300
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="values",
            field=models.JSONField(
                default=dict, help_text="What the title speaks of: text by the names of the places."
            ),
        ),
    ]
