import django.db.models.deletion
import pgvector.django.vector
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgvector.django.VectorExtension(),
        migrations.CreateModel(
            name='Picture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(help_text='Of the stored bytes, in hexadecimal.', max_length=64, unique=True)),
                ('format', models.CharField(help_text='As Pillow names it: JPEG, PNG, BMP or GIF.', max_length=8)),
                ('width', models.PositiveIntegerField(help_text='Pixels, of the upright picture.')),
                ('height', models.PositiveIntegerField(help_text='Pixels, of the upright picture.')),
                ('byte_size', models.PositiveIntegerField()),
                ('blob_key', models.CharField(max_length=100, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='pictures', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'picture',
            },
        ),
        migrations.CreateModel(
            name='Vector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('backbone', models.CharField(help_text="The backbone's name.", max_length=100)),
                ('value', pgvector.django.vector.VectorField(help_text='As the backbone gives it, not normalised.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='catalog.picture')),
            ],
            options={
                'verbose_name': 'vector',
            },
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$')), name='picture_sha256_is_hexadecimal'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('height__gt', 0), ('width__gt', 0)), name='picture_has_pixels'),
        ),
        migrations.AddConstraint(
            model_name='vector',
            constraint=models.UniqueConstraint(fields=('picture', 'backbone'), name='vector_once_per_picture_and_backbone'),
        ),
    ]
