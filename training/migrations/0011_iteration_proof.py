from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0010_finer_domain"),
    ]

    operations = [
        migrations.AddField(
            model_name="iteration",
            name="proof",
            field=models.CharField(
                blank=True,
                default="",
                help_text="With what it was proven that its exported model answers as it does here.",
                max_length=300,
            ),
            preserve_default=False,
        ),
    ]
