from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

LIVE = "live"


def adopt_iterations(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What there was until now are completed iterations; those that answer do so under a name."""
    Project = apps.get_model("training", "Project")
    Iteration = apps.get_model("training", "Iteration")
    Iteration.objects.update(status="Completed", trained_at=models.F("created_at"))
    for project in Project.objects.all():
        numbers = Iteration.objects.filter(project=project).values_list("number", flat=True)
        Project.objects.filter(pk=project.pk).update(iterations_made=max(numbers, default=0))
        Iteration.objects.filter(pk=project.live_iteration_id).update(publish_name=LIVE)


class Migration(migrations.Migration):
    # Alone: PostgreSQL takes no new constraint on rows that the same transaction has written.
    dependencies = [("training", "0002_learning")]

    operations = [migrations.RunPython(adopt_iterations, migrations.RunPython.noop, elidable=True)]
