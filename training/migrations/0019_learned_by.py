"""Images remember which iteration learned first from the correction that made them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('training', '0018_erased_pictures'),
    ]

    operations = [
        migrations.AddField(
            model_name='image',
            name='learned_by',
            field=models.ForeignKey(blank=True, help_text='Of a correction: the first iteration that learned from it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='training.iteration'),
        ),
    ]
