import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Iteration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('backbone', models.CharField(help_text='Name of the backbone whose vectors the head reads.', max_length=100)),
                ('head_key', models.CharField(help_text="Blob key of the head's file.", max_length=100)),
                ('metrics', models.JSONField(default=dict, help_text='Measured on pictures that it was not trained on.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'iteration',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('description', models.TextField(blank=True)),
                ('domain', models.CharField(choices=[('General', 'General'), ('Food', 'Food')], default='General', help_text='Picks the backbone.', max_length=20)),
                ('prediction_backend', models.CharField(default='local', help_text='A name in CLASSIFR_PREDICTION_BACKENDS: local or customvision.', max_length=50)),
                ('remote_id', models.UUIDField(blank=True, help_text="The project's id at Azure Custom Vision, if it answers.", null=True, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('live_iteration', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='training.iteration')),
            ],
            options={
                'verbose_name': 'project',
            },
        ),
        migrations.AddField(
            model_name='iteration',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='iterations', to='training.project'),
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='training.project')),
            ],
            options={
                'verbose_name': 'tag',
                'ordering': ['name'],
            },
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='project_name_is_unique'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='project_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.UniqueConstraint(fields=('project', 'number'), name='iteration_number_is_unique_in_its_project'),
        ),
        migrations.AddConstraint(
            model_name='iteration',
            constraint=models.CheckConstraint(condition=models.Q(('number__gt', 0)), name='iteration_number_starts_at_one'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.UniqueConstraint(models.F('project'), django.db.models.functions.text.Lower('name'), name='tag_name_is_unique_in_its_project'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='tag_has_a_name'),
        ),
    ]
