import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        ('classifier', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(choices=[('OK', 'OK'), ('NOK', 'NOK')], max_length=3)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='verdict', to='classifier.prediction')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='verdicts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'verdict',
            },
        ),
        migrations.CreateModel(
            name='Misprediction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('image_url', models.CharField(help_text='Where the blob is; it opens nothing by itself.', max_length=500)),
                ('tag', models.CharField(help_text='The most probable tag.', max_length=200)),
                ('probability', models.DecimalField(decimal_places=4, help_text='Of that tag, in percent.', max_digits=7)),
                ('username', models.CharField(help_text='Who sent the photo.', max_length=150)),
                ('probabilities', models.JSONField(help_text='Pairs of tag and probability, the most probable first.')),
                ('iteration_name', models.CharField(max_length=200)),
                ('project_name', models.CharField(max_length=100)),
                ('suggested_tag', models.CharField(blank=True, help_text='What the sender says it is.', max_length=200)),
                ('comment', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mispredictions', to='catalog.picture')),
                ('verdict', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='misprediction', to='feedback.verdict')),
            ],
            options={
                'verbose_name': 'wrong prediction',
                'verbose_name_plural': 'wrong predictions',
            },
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(('value__in', ['OK', 'NOK'])), name='verdict_is_ok_or_nok'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(fields=['tag', '-id'], name='misprediction_by_tag'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(fields=['username', '-id'], name='misprediction_by_user'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(fields=['iteration_name', '-id'], name='misprediction_by_iteration'),
        ),
        migrations.AddIndex(
            model_name='misprediction',
            index=models.Index(fields=['created_at'], name='misprediction_by_day'),
        ),
        migrations.AddConstraint(
            model_name='misprediction',
            constraint=models.CheckConstraint(condition=models.Q(('probability__gte', 0), ('probability__lte', 100)), name='misprediction_probability_is_percent'),
        ),
    ]
