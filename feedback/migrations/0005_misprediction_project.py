"""Wrong predictions know their project, so that reviewers are shown those of theirs without reading predictions."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
UPDATE feedback_misprediction SET project_id = prediction.project_id
FROM feedback_verdict verdict JOIN classifier_prediction prediction ON prediction.id = verdict.prediction_id
WHERE verdict.id = feedback_misprediction.verdict_id;
"""


class Migration(migrations.Migration):
    dependencies = [("feedback", "0004_names_of_columns"), ("training", "0016_project_access")]

    operations = [
        migrations.AddField(
            model_name="misprediction",
            name="project",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="mispredictions",
                to="training.project",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="misprediction",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="mispredictions", to="training.project"
            ),
        ),
    ]
