"""What was there before learning came is taken over."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrate() -> Iterator[Callable[[str], Any]]:
    """Bring the room's tables to a migration and return its models; afterwards to the newest."""

    def to(name: str) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([("training", name)])
        return MigrationExecutor(connection).loader.project_state([("training", name)]).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_live_iteration_answers_under_a_name(migrate: Callable[[str], Any]) -> None:
    old = migrate("0001_initial")
    project = old.get_model("training", "Project").objects.create(name="Dishes", prediction_backend="local")
    iterations = [
        old.get_model("training", "Iteration").objects.create(
            project=project, number=number, name=f"Iteration {number}", backbone="b", head_key=f"heads/{number}"
        )
        for number in (1, 2)
    ]
    project.live_iteration = iterations[0]
    project.save()

    new = migrate("0006_kinder_messages")

    found = new.get_model("training", "Project").objects.get()
    told = new.get_model("training", "Iteration").objects.order_by("number").values_list("status", "publish_name")
    assert list(told) == [("Completed", "live"), ("Completed", "")]
    assert (found.backend, found.iterations_made) == ("local", 2)
