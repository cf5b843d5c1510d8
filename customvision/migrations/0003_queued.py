"""What programs asked has its place in the reviewers' queue."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_waiting_blobs'),
        ('customvision', '0002_exports'),
        ('feedback', '0006_states'),
        ('training', '0018_erased_pictures'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedprediction',
            name='misprediction',
            field=models.OneToOneField(help_text="Its place in the reviewers' queue; null: it has none yet.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='stored_prediction', to='feedback.misprediction'),
        ),
        migrations.AddIndex(
            model_name='storedprediction',
            index=models.Index(condition=models.Q(('misprediction', None)), fields=['id'], name='stored_prediction_not_queued'),
        ),
    ]
