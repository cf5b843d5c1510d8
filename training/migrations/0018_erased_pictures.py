"""Iterations note how many of their pictures were erased since by whoever sent them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('training', '0017_project_archived_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='iteration',
            name='erased_pictures',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='That it was trained on, and their senders have erased since.'),
        ),
    ]
