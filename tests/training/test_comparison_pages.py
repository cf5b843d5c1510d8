"""Two iterations beside each other: figures without judgement, and what follows from the same images."""

import re
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from catalog.models import Picture
from tests import factories
from tests.training.test_iteration_pages import SignIn, address, make_iteration, make_snapshot
from training import snapshots
from training.backends.base import TrainingOptions
from training.models import Iteration, Tag
from training.outcome import Comparison
from training.services.images import upload_images
from training.services.learning import train_here
from training.services.publishing import publish
from training.snapshots import Snapshot
from training.uploads import ImageUpload


@pytest.fixture
def site(signed_in: SignIn, db: None) -> Client:
    return signed_in(factories.make_developer())


@pytest.fixture
def pictures(db: None) -> list[Picture]:
    """Four pictures, in the order of their sha256: as a snapshot has them."""
    return sorted((factories.make_picture(size=(64, 64)) for _ in range(4)), key=lambda each: each.sha256)


@pytest.fixture
def iteration(pictures: list[Picture]) -> Iteration:
    return make_iteration(factories.make_project(), make_snapshot(pictures))


def test_iteration_is_compared_with_the_live_one(site: Client, iteration: Iteration, pictures: list[Picture]) -> None:
    publish(iteration=iteration, by=None)
    newer = make_iteration(iteration.project, make_snapshot(pictures))

    page = site.get(address("compare", newer))

    assert page.context["old"] == iteration
    assert {each.name for each in page.context["lines"]} >= {"precision", "recall", "average_precision", "top_1"}
    assert f'{address("comparison", newer)}?with=1"' in page.content.decode()


def test_comparison_that_cannot_be_made_says_why(site: Client, iteration: Iteration) -> None:
    newer = make_iteration(iteration.project)

    page = site.get(address("comparison", newer), {"with": "1"}, headers={"hx-request": "true"})

    assert page.context["refusal"] in unescape(page.content.decode())
    assert "<html" not in page.content.decode()


def test_nothing_is_compared_with_nothing(site: Client, iteration: Iteration) -> None:
    assert site.get(address("comparison", iteration)).headers["Location"] == address("compare", iteration)


def told(gained: int, lost: int, pictures: int, snapshot: Snapshot, **fields: Any) -> Comparison:
    """Return a comparison; which pictures are gained or lost is not known here any more."""
    old, new = Iteration(name="Iteration 1"), Iteration(name="Iteration 2")
    values = {"gained": gained * ("a",), "lost": lost * ("b",), "said": snapshot, **fields}
    return Comparison(old, new, pictures, pictures - gained, pictures - lost, **values)


@pytest.mark.parametrize(
    ("gained", "lost", "verdict", "colour"),
    [
        (30, 5, "Mieux", " is-gain"),
        (5, 30, "Moins bien", " is-loss"),
        (9, 5, "Pas de différence mesurable", ""),
        (5, 0, "Pas de différence mesurable", ""),
    ],
)
def test_verdict_is_coloured_where_it_is_more_than_chance(
    site: Client,
    iteration: Iteration,
    monkeypatch: pytest.MonkeyPatch,
    gained: int,
    lost: int,
    verdict: str,
    colour: str,
) -> None:
    newer = make_iteration(iteration.project)
    snapshot = snapshots.read(iteration.snapshot_key)
    monkeypatch.setattr(
        "training.views.iterations.compare_iterations", lambda new, old: told(gained, lost, 400, snapshot)
    )

    page = site.get(address("comparison", newer), {"with": "1"}, headers={"hx-request": "true"}).content.decode()

    assert f">{verdict}</h2>" in page
    assert re.findall('class="card compared([^"]*)"', page) == [colour]


def test_sentences_of_a_comparison_are_right_in_french(iteration: Iteration) -> None:
    snapshot = snapshots.read(iteration.snapshot_key)
    with translation.override("fr"):
        nothing, one = told(0, 0, 1, snapshot), told(1, 0, 40, snapshot, by_folds=True, new_pictures=1)

        assert nothing.sentence().replace("\N{NO-BREAK SPACE}", " ") == (
            "Sur 1 image réservée, Iteration 2 en a 1 juste, Iteration 1 en a 1 juste : 0 gagnée, 0 perdue, p = 1,000. "
            "Gain : 0,0 point (de −92,4 à +92,4). Pas de différence mesurable."
        )
        assert one.sentence().replace("\N{NO-BREAK SPACE}", " ") == (
            "Sur 40 images, chacune jugée par un modèle qui ne l’avait pas apprise, Iteration 2 en a 40 justes, "
            "Iteration 1 en a 39 justes : 1 gagnée, 0 perdue, p = 1,000. Gain : +2,5 points (de −5,7 à +10,4). "
            "Pas de différence mesurable. Sur les nouvelles étiquettes, 0 image sur 1 est juste."
        )


@pytest.mark.parametrize("other", ["1", "9", "x"])
def test_iteration_is_compared_with_another_one_only(site: Client, iteration: Iteration, other: str) -> None:
    assert site.get(address("compare", iteration), {"with": other}).status_code == HTTPStatus.NOT_FOUND


def test_nothing_to_compare_with_is_said(site: Client, iteration: Iteration) -> None:
    assert site.get(address("compare", iteration)).context["old"] is None


def test_gains_and_losses_are_shown_as_pictures(
    site: Client, iteration: Iteration, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = make_snapshot(pictures)
    newer = make_iteration(iteration.project, snapshot)
    gained, lost = ((pictures[row].sha256,) for row in (0, 2))
    found = Comparison(iteration, newer, 4, 3, 3, gained=gained, lost=lost, said=snapshot)
    monkeypatch.setattr("training.views.iterations.compare_iterations", lambda new, old: found)

    page = site.get(address("comparison", newer), {"with": "1"})

    assert [each.judged.is_right for each in (*page.context["gained"], *page.context["lost"])] == [True, False]
    assert all(reverse("catalog:thumbnail", args=[pictures[row].sha256]) in page.content.decode() for row in (0, 2))


def test_trainings_are_compared_picture_by_picture(transactional_db: None, site: Client) -> None:
    """The whole way: images uploaded, trained twice, compared."""
    project = factories.make_project()
    tags = [Tag.objects.create(project=project, name=name) for name in ("a", "b")]
    for tag in tags:
        batch = [ImageUpload(f"{n}.jpg", factories.make_photo(size=(64, 64)), (tag,)) for n in range(20)]
        upload_images(project=project, batch=batch, by=None)
    first = train_here(project=project, options=TrainingOptions(), by=None, watch=None)
    second = train_here(project=project, options=TrainingOptions(force=True), by=None, watch=None)

    shown = site.get(address("iteration", second))
    compared = site.get(address("comparison", second), {"with": first.number})

    assert shown.context["figures"] is not None
    assert (compared.context["comparison"].gained, compared.context["comparison"].lost) == ((), ())
