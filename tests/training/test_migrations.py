"""What was there before learning came is taken over."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


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


def test_projects_for_which_programs_chose_a_finer_domain_get_it(migrate: Callable[[str], Any]) -> None:
    old = migrate("0009_publications_tell_of_changes").get_model("training", "Project").objects
    asked = {"domainId": "2e37d7fb-3a54-486a-b4d6-cfc369af0018"}
    old.create(name="fine", domain="General", api_settings=asked)
    old.create(name="changed since", domain="Food", api_settings=asked)
    old.create(name="plain", domain="General", api_settings={"domainId": "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"})

    new = migrate("0010_finer_domain").get_model("training", "Project").objects

    found = dict(new.values_list("name", "domain"))
    assert found == {"fine": "General [A1]", "changed since": "Food", "plain": "General"}
    migrate("0009_publications_tell_of_changes")
    assert new.get(name="fine").domain == "General"
