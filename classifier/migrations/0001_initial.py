import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('training', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Prediction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('iteration_name', models.CharField(max_length=200)),
                ('probabilities', models.JSONField(help_text='Pairs of tag and probability, the most probable first.')),
                ('top_tag', models.CharField(max_length=200)),
                ('top_probability', models.FloatField(help_text='0 to 1.')),
                ('photo_sha256', models.CharField(help_text='Of the uploaded bytes, in hexadecimal.', max_length=64)),
                ('photo_byte_size', models.PositiveIntegerField()),
                ('milliseconds', models.FloatField(help_text='From the bytes to the probabilities.')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('iteration', models.ForeignKey(help_text='Empty: Azure answered.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='predictions', to='training.iteration')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='predictions', to='training.project')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='predictions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'prediction',
            },
        ),
        migrations.CreateModel(
            name='PendingPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', models.BinaryField(help_text='As uploaded, without its metadata.')),
                ('backbone', models.CharField(blank=True, max_length=100)),
                ('vector', pgvector.django.vector.VectorField(null=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='pending_photo', to='classifier.prediction')),
            ],
            options={
                'verbose_name': 'pending photo',
            },
        ),
        migrations.AddConstraint(
            model_name='prediction',
            constraint=models.CheckConstraint(condition=models.Q(('top_probability__gte', 0), ('top_probability__lte', 1)), name='prediction_probability_is_0_to_1'),
        ),
    ]
