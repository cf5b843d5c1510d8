"""The pages of iterations: the list, one with its figures and pictures, two compared, deletion."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from catalog.models import Picture
from tests import factories
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from training import evaluation, snapshots
from training.heads import write_head
from training.models import Iteration, Project, Tag
from training.services.publishing import publish
from training.snapshots import Snapshot

SignIn = Callable[[User], Client]

PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]], dtype=np.float32)
TRUTH = np.array([0, 0, 1, 1])
"""The third picture is "b" and is taken for "a"."""


@pytest.fixture
def site(signed_in: SignIn, db: None) -> Client:
    return signed_in(factories.make_developer())


@pytest.fixture
def pictures(db: None) -> list[Picture]:
    """Four pictures, in the order of their sha256: as a snapshot has them."""
    return sorted((factories.make_picture(size=(64, 64)) for _ in range(4)), key=lambda each: each.sha256)


def make_snapshot(pictures: list[Picture], **fields: Any) -> Snapshot:
    values: dict[str, Any] = {
        "tags": ("a", "b"),
        "tag_ids": (1, 2),
        "sha256s": tuple(each.sha256 for each in pictures),
        "truths": np.eye(2, dtype=np.bool_)[TRUTH],
        "learned": np.zeros(4, dtype=np.bool_),
        "measured": np.ones(4, dtype=np.bool_),
        "probabilities": PROBABILITIES,
        "multilabel": False,
    }
    return Snapshot(**{**values, **fields})


def make_iteration(project: Project, snapshot: Snapshot | None = None, **fields: Any) -> Iteration:
    number = project.iterations.count() + 1
    values: dict[str, Any] = {
        "number": number,
        "name": f"Iteration {number}",
        "status": Iteration.Status.COMPLETED,
        "backbone": "efficientnet-lite0-food-int8",
        "head_key": write_head(factories.make_head("a", "b")),
    }
    if snapshot is not None:
        values |= {"snapshot_key": snapshots.write(snapshot), "metrics": evaluation.figures(snapshot)}
    return project.iterations.create(**{**values, **fields})


@pytest.fixture
def iteration(pictures: list[Picture]) -> Iteration:
    return make_iteration(factories.make_project(), make_snapshot(pictures))


def address(name: str, iteration: Iteration) -> str:
    return reverse(f"training:{name}", args=[iteration.project_id, iteration.number])


PAGES = ["iteration", "performance", "confusion", "compare", "comparison", "iteration_delete"]


@pytest.mark.parametrize("name", PAGES)
def test_iteration_that_there_is_not_is_not_found(site: Client, iteration: Iteration, name: str) -> None:
    unknown = reverse(f"training:{name}", args=[iteration.project_id, 99])

    assert site.get(unknown).status_code == HTTPStatus.NOT_FOUND


def test_list_shows_figures_and_failures(site: Client, iteration: Iteration) -> None:
    failed = make_iteration(iteration.project, status="Failed", error="Il manque des images.", head_key="")

    page = site.get(reverse("training:iterations", args=[iteration.project_id]))

    assert list(page.context["page"]) == [failed, iteration]
    assert "Il manque des images." in page.content.decode()


def test_list_of_nothing_says_so(site: Client) -> None:
    page = site.get(reverse("training:iterations", args=[factories.make_project().pk]))

    assert page.status_code == HTTPStatus.OK


def test_number_of_queries_of_the_list_does_not_grow(
    site: Client, iteration: Iteration, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    counts = []
    for _ in range(2):
        make_iteration(iteration.project)
        with django_assert_max_num_queries(20) as queries:
            site.get(reverse("training:iterations", args=[iteration.project_id]))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_two_chosen_in_the_list_are_compared(site: Client, iteration: Iteration) -> None:
    newer = make_iteration(iteration.project)

    response = site.get(reverse("training:iterations", args=[iteration.project_id]), {"pair": ["1", "2"]})

    assert response.headers["Location"] == address("compare", newer) + "?with=1"


@pytest.mark.parametrize("pair", [["1"], ["1", "x"], ["1", "2", "3"], ["9" * 5000, "1"]])
def test_anything_but_two_is_not_compared(site: Client, iteration: Iteration, pair: list[str]) -> None:
    page = site.get(reverse("training:iterations", args=[iteration.project_id]), {"pair": pair})

    assert page.status_code == HTTPStatus.OK
    assert len(list(page.context["messages"])) == 1


def test_iteration_shows_its_figures_by_hand(site: Client, iteration: Iteration) -> None:
    """At 0.5 a tag is said of each of the four pictures, rightly of three."""
    told = site.get(address("iteration", iteration)).context["figures"]

    assert (told.overall.precision, told.overall.recall) == (0.75, 0.75)


@pytest.mark.parametrize(
    ("threshold", "precision", "recall"), [("0.65", 2 / 3, 0.5), ("0.95", None, 0.0), ("0", 0.5, 1)]
)
def test_figures_follow_the_threshold(
    site: Client, iteration: Iteration, threshold: str, precision: float | None, recall: float
) -> None:
    told = site.get(address("performance", iteration), {"threshold": threshold}).context["figures"]

    assert (told.overall.precision, told.overall.recall) == (pytest.approx(precision), recall)


def test_htmx_gets_the_figures_alone_and_the_address_keeps_the_threshold(site: Client, iteration: Iteration) -> None:
    response = site.get(address("performance", iteration), {"threshold": "0.65"}, headers={"hx-request": "true"})

    assert b"<html" not in response.content
    assert response.headers["HX-Replace-Url"] == address("iteration", iteration) + "?threshold=0.65"


@pytest.mark.parametrize("nonsense", ["abc", "1.5", "-0.1", "nan"])
def test_nonsense_for_a_threshold_is_said_and_is_a_half(site: Client, iteration: Iteration, nonsense: str) -> None:
    page = site.get(address("iteration", iteration), {"threshold": nonsense})

    assert page.context["threshold"] == 0.5
    assert 'id="threshold-errors"' in page.content.decode()


def test_curve_of_one_tag_is_shown(site: Client, iteration: Iteration) -> None:
    page = site.get(address("iteration", iteration), {"tag": "b"})

    assert page.context["curve"].here is not None
    assert "b" in page.context["here_url"]


def test_tag_that_it_does_not_know_is_not_found(site: Client, iteration: Iteration) -> None:
    assert site.get(address("iteration", iteration), {"tag": "x"}).status_code == HTTPStatus.NOT_FOUND


def test_cells_of_the_matrix_lead_to_their_pictures(
    site: Client, iteration: Iteration, pictures: list[Picture]
) -> None:
    page = site.get(address("iteration", iteration)).content.decode()
    cell = site.get(address("confusion", iteration), {"truth": "b", "said": "a"})

    assert f"{address('confusion', iteration)}?truth=b&amp;said=a" in page
    assert [each.judged.sha256 for each in cell.context["shots"]] == [pictures[2].sha256]


@pytest.mark.parametrize("cell", [{"truth": "x", "said": "a"}, {"truth": "a"}, {}])
def test_cell_that_there_is_not_is_not_found(site: Client, iteration: Iteration, cell: dict[str, str]) -> None:
    assert site.get(address("confusion", iteration), cell).status_code == HTTPStatus.NOT_FOUND


def test_picture_that_is_deleted_leaves_its_place(site: Client, iteration: Iteration, pictures: list[Picture]) -> None:
    sha256 = pictures[2].sha256
    pictures[2].delete()

    cell = site.get(address("confusion", iteration), {"truth": "b", "said": "a"})

    assert [each.is_here for each in cell.context["shots"]] == [False]
    assert reverse("catalog:thumbnail", args=[sha256]) not in cell.content.decode()


def test_multilabel_has_no_matrix_and_shows_wrong_decisions(site: Client, pictures: list[Picture]) -> None:
    iteration = make_iteration(factories.make_project(type="Multilabel"), make_snapshot(pictures, multilabel=True))

    page = site.get(address("iteration", iteration))

    assert not page.context["matrix"]
    assert page.context["worst"][0].judged.sha256 == pictures[2].sha256
    assert site.get(address("confusion", iteration), {"truth": "b", "said": "a"}).status_code == HTTPStatus.NOT_FOUND


def test_many_tags_put_the_matrix_behind_the_list(
    site: Client, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.views.iterations.MOST_TAGS_AT_ONCE", 1)
    iteration = make_iteration(factories.make_project(), make_snapshot(pictures))

    assert site.get(address("iteration", iteration)).context["has_many_tags"]


@pytest.mark.parametrize("flag", ["is_optimistic", "is_cross_validated"])
def test_figures_that_need_care_come_with_a_notice(site: Client, pictures: list[Picture], flag: str) -> None:
    iteration = make_iteration(factories.make_project(), metrics={flag: True, "precision": 0.5})

    page = site.get(address("iteration", iteration))

    assert page.context["notices"][flag]


def test_figures_do_not_flatter_and_keep_to_the_truth_on_one_page(site: Client, pictures: list[Picture]) -> None:
    metrics = {"is_optimistic": True, "is_cross_validated": True, "precision": 0.5}
    iteration = make_iteration(factories.make_project(), make_snapshot(pictures), metrics=metrics)

    page = site.get(address("iteration", iteration)).content.decode()

    assert "flatteurs" in page
    assert "honnête" not in page


def test_starter_of_before_shows_the_figures_that_came_with_it(site: Client, food_project: Project) -> None:
    food_project.iterations.update(snapshot_key="")

    page = site.get(reverse("training:iteration", args=[food_project.pk, 1]))

    assert len(page.context["rows"]) == 101
    assert page.context["notices"]["is_without_pictures"]
    assert 'type="range"' not in page.content.decode()


@pytest.mark.parametrize(
    "fields",
    [{"status": "New"}, {"status": "Training"}, {"status": "Failed", "error": "Trop peu d’images."}, {"metrics": {}}],
)
def test_iteration_without_figures_is_shown_all_the_same(site: Client, db: None, fields: dict[str, Any]) -> None:
    iteration = make_iteration(factories.make_project(), **fields)

    assert site.get(address("iteration", iteration)).status_code == HTTPStatus.OK


def test_storage_that_is_away_is_said(site: Client, iteration: Iteration, storage_refuses: None) -> None:
    snapshots.read.cache_clear()

    page = site.get(address("iteration", iteration))

    assert page.context["failure"]
    assert site.get(address("confusion", iteration), {"truth": "a", "said": "a"}).status_code == HTTPStatus.FOUND


@pytest.fixture
def remote(settings: Settings, db: None) -> Iteration:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 10_000.0
    project = factories.make_project(backend="customvision", remote_id=recorded.PROJECT_ID)
    Tag.objects.create(project=project, name="pizza", remote_id=recorded.TAG_ID)
    Tag.objects.create(project=project, name="risotto", remote_id=recorded.OTHER_TAG_ID)
    return make_iteration(project, head_key="", backbone="", remote_id=recorded.ITERATION_ID)


def test_custom_visions_figures_are_asked_for(site: Client, remote: Iteration, settings: Settings) -> None:
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = azure.endpoint
    azure.on("GET", f"{recorded.ITERATION}/performance", RecordedAnswer(200, recorded.performance()))

    page = site.get(address("iteration", remote), {"threshold": "0.85"})
    azure.close()

    assert page.context["figures"].overall.precision == 0.9
    assert page.context["notices"]["measures_itself"]


def test_custom_vision_that_refuses_is_a_sentence(site: Client, remote: Iteration, settings: Settings) -> None:
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = azure.endpoint
    azure.on("GET", f"{recorded.ITERATION}/performance", error(401, "401", "Wrong key."))

    page = site.get(address("iteration", remote))
    azure.close()

    assert page.status_code == HTTPStatus.OK
    assert page.context["failure"]


@pytest.mark.parametrize(("pictures", "is_known"), [(199, False), (200, True)])
def test_calibration_of_few_images_is_a_sentence(site: Client, db: None, pictures: int, is_known: bool) -> None:
    truths = np.arange(pictures)[:, None] % 2 == np.arange(2)
    snapshot = make_snapshot(
        [],
        sha256s=tuple(f"{number:064}" for number in range(pictures)),
        truths=truths,
        learned=np.zeros(pictures, dtype=np.bool_),
        measured=np.ones(pictures, dtype=np.bool_),
        probabilities=np.where(truths, 0.9, 0.1).astype(np.float32),
    )
    iteration = make_iteration(factories.make_project(), snapshot)

    page = site.get(address("iteration", iteration)).content.decode()

    assert ("Erreur de calibration" in page) == is_known
    assert (f"{pictures} images" in page[page.index("calibration-title") :]) != is_known


def test_iteration_is_deleted_once_that_is_confirmed(site: Client, iteration: Iteration) -> None:
    asked = site.get(address("iteration_delete", iteration))
    assert Iteration.objects.exists()

    answer = site.post(address("iteration_delete", iteration))

    assert asked.status_code == HTTPStatus.OK
    assert answer.headers["Location"] == reverse("training:iterations", args=[iteration.project_id])
    assert not Iteration.objects.exists()


def test_iteration_that_answers_is_not_deleted(site: Client, iteration: Iteration) -> None:
    publish(iteration=iteration, by=None)

    answer = site.post(address("iteration_delete", iteration), follow=True)

    assert Iteration.objects.exists()
    assert len(list(answer.context["messages"])) == 1
