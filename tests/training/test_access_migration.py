"""Sites of an earlier release: the project that a variable named stays first, and reviewers see what they saw."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import Settings

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BEFORE = [("training", "0015_names_of_columns"), ("feedback", "0004_names_of_columns")]
AFTER = [("training", "0016_project_access"), ("feedback", "0005_misprediction_project")]


@pytest.fixture
def migrate() -> Iterator[Callable[[list[tuple[str, str]]], Any]]:
    """Bring the tables to these migrations and return the models; afterwards to the newest."""

    def to(names: list[tuple[str, str]]) -> Any:
        MigrationExecutor(connection).migrate(names)
        return MigrationExecutor(connection).loader.project_state(names).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_upgrade_opens_all_projects_and_keeps_the_first(
    migrate: Callable[[list[tuple[str, str]]], Any], settings: Settings
) -> None:
    settings.CLASSIFR_PROJECT = "italian food"
    old = migrate(BEFORE)
    projects = [old.get_model("training", "Project").objects.create(name=name) for name in ("A", "Italian Food")]
    for project in projects:
        make_misprediction(old, project)

    new = migrate(AFTER)

    found = new.get_model("training", "Project").objects.order_by("name").values_list("name", "is_open", "is_default")
    assert list(found) == [("A", True, False), ("Italian Food", True, True)]
    rows = new.get_model("feedback", "Misprediction").objects.order_by("pk")
    assert list(rows.values_list("project", flat=True)) == [project.pk for project in projects]


def make_misprediction(old: Any, project: Any) -> None:
    answer = {"iteration_name": "Iteration 1", "probabilities": [["pizza", 0.9]]}
    prediction = old.get_model("classifier", "Prediction").objects.create(
        project_id=project.pk,
        top_tag="pizza",
        top_probability=0.9,
        photo_sha256="0" * 64,
        photo_byte_size=1,
        milliseconds=1,
        **answer,
    )
    sha256 = f"{project.pk:064x}"
    picture = old.get_model("catalog", "Picture").objects.create(
        sha256=sha256, format="JPEG", width=1, height=1, byte_size=1, blob_key=f"pictures/{sha256}"
    )
    verdict = old.get_model("feedback", "Verdict").objects.create(prediction=prediction, value="NOK")
    old.get_model("feedback", "Misprediction").objects.create(
        verdict=verdict, picture=picture, tag="pizza", probability=90, project_name=project.name, **answer
    )
