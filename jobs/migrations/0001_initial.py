from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ScheduledTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Dotted path of the task.', max_length=200, unique=True)),
                ('due_at', models.DateTimeField()),
                ('runs', models.PositiveBigIntegerField(default=0, help_text='How often it was queued so far.')),
            ],
        ),
    ]
