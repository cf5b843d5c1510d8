"""Tags know which of the examples that come with the backbone are theirs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0013_contradiction")]

    operations = [
        migrations.AddField(
            model_name="tag",
            name="shipped_label",
            field=models.CharField(
                blank=True,
                editable=False,
                max_length=200,
                help_text="Of the examples that come with the backbone, which are this tag's; empty: none are.",
            ),
        ),
    ]
