"""What senders say of wrong predictions: another tag, none of them, or nothing that could be seen."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Q

NONE_BEFORE = "autre"


def tell_kinds(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("feedback", "Misprediction").objects
    rows.filter(suggested_tag=NONE_BEFORE).update(suggestion="none", suggested_tag="")
    rows.exclude(suggested_tag="").update(suggestion="tag")


def forget_kinds(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("feedback", "Misprediction").objects.filter(suggestion="none").update(suggested_tag=NONE_BEFORE)


class Migration(migrations.Migration):
    dependencies = [("feedback", "0002_bin")]

    operations = [
        migrations.AddField(
            model_name="misprediction",
            name="suggestion",
            field=models.CharField(
                blank=True,
                max_length=8,
                choices=[("tag", "another tag"), ("none", "none of these tags"), ("unusable", "unusable photo")],
            ),
        ),
        migrations.RunPython(tell_kinds, forget_kinds),
        migrations.AddConstraint(
            model_name="misprediction",
            constraint=models.CheckConstraint(
                condition=Q(suggestion="tag") ^ Q(suggested_tag=""), name="misprediction_has_the_tag_it_suggests"
            ),
        ),
    ]
