"""Projects are open to everybody or to those named, and one is offered first: that of CLASSIFR_PROJECT, until now."""

from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Q


def offer_as_before(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("training", "Project").objects.filter(name__iexact=settings.CLASSIFR_PROJECT).update(is_default=True)


class Migration(migrations.Migration):
    dependencies = [("training", "0015_names_of_columns")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="is_open",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="To everybody who signs in; else to those named.",
                verbose_name="open",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="is_default",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Offered first to whoever may use it.",
                verbose_name="default",
            ),
        ),
        migrations.RunPython(offer_as_before, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_project_is_the_default_at_most"
            ),
        ),
    ]
