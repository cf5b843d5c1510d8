from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

FINE = "General [A1]"
ASKED_FOR = ["a8e3c40f-fb4a-466f-832a-5e457ae4a344", "2e37d7fb-3a54-486a-b4d6-cfc369af0018"]


def give_those_who_asked(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Programs chose General [A1] or [A2] for these projects when both were the same as General here."""
    projects = apps.get_model("training", "Project").objects
    projects.filter(domain="General", api_settings__domainId__in=ASKED_FOR).update(domain=FINE)


def take_back(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("training", "Project").objects.filter(domain=FINE).update(domain="General")


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0009_publications_tell_of_changes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="project",
            name="domain",
            field=models.CharField(
                choices=[
                    ("General", "General"),
                    ("General [A1]", "General, more exact and slower"),
                    ("Food", "Food"),
                ],
                default="General",
                help_text="Picks the backbone.",
                max_length=20,
                verbose_name="domain",
            ),
        ),
        migrations.RunPython(give_those_who_asked, take_back),
    ]
