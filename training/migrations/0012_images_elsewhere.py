"""Tags know how many images the service that trains has beyond ours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("training", "0011_iteration_proof")]

    operations = [
        migrations.AddField(
            model_name="tag",
            name="images_elsewhere",
            field=models.PositiveIntegerField(
                default=0, editable=False, help_text="That the service which trains has beyond ours, as it said last."
            ),
        ),
    ]
