"""An iteration is tried before it is published: its answer beside the live one's, and nothing is stored."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from classifier.backends.base import Answer, TagProbability
from classifier.backends.local import LocalBackend
from classifier.exceptions import BackendMisconfigured, BackendUnavailable
from engine import backbones
from engine.exceptions import RefusalReason, RefusedPicture
from engine.images import refusals
from tests import factories
from training.backends.base import TrainingOptions
from training.heads import write_head
from training.models import Iteration, Project
from training.services.learning import train_here
from training.services.publishing import publish

SCRIPT = {"hx-request": "true"}


@pytest.fixture
def site(signed_in: Callable[[User], Client], db: None) -> Client:
    return signed_in(factories.make_developer())


def make_iteration(project: Project, *tags: str, **fields: Any) -> Iteration:
    number = project.iterations.count() + 1
    values = {
        "number": number,
        "name": f"Iteration {number}",
        "status": Iteration.Status.COMPLETED,
        "backbone": backbones.for_domain("Food").name,
        "head_key": write_head(factories.make_head(*tags)),
    }
    return project.iterations.create(**{**values, **fields})


@pytest.fixture
def live(db: None) -> Iteration:
    iteration = make_iteration(factories.make_project(), "pizza", "risotto")
    publish(iteration=iteration, by=None)
    return iteration


@pytest.fixture
def newer(live: Iteration) -> Iteration:
    return make_iteration(live.project, "pizza", "risotto", "soup")


def address(iteration: Iteration) -> str:
    return reverse("classifier:trial", args=[iteration.project_id, iteration.number])


def photo(content: bytes | None = None, name: str = "dish.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or factories.make_photo(), "image/jpeg")


def send(site: Client, iteration: Iteration, **fields: Any) -> Any:
    return site.post(address(iteration), {"photo": photo(), **fields}, headers=SCRIPT)


def tried(answer: Any) -> list[tuple[str, int]]:
    """Return by name who answered, and with how many tags."""
    return [(each.iteration.name, len(each.prediction.rows)) for each in answer.context["tried"]]


def test_its_answer_stands_beside_the_live_ones(site: Client, newer: Iteration) -> None:
    answer = send(site, newer)

    assert tried(answer) == [("Iteration 2", 3), ("Iteration 1", 2)]
    assert 'data-state="answered"' in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize("tag", ["a", "b"])
def test_card_says_where_the_two_differ(
    site: Client, newer: Iteration, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    def ask(self: LocalBackend, photo: Any, *, iteration: Iteration) -> Answer:
        said = TagProbability("a" if iteration == newer else tag, 1.0)
        return Answer(predictions=(said,), iteration_name=iteration.name, iteration=iteration)

    monkeypatch.setattr(LocalBackend, "quick_test", ask)

    assert ("Réponses différentes" in send(site, newer).content.decode()) == (tag == "b")


def test_live_one_answers_alone(site: Client, live: Iteration) -> None:
    assert tried(send(site, live)) == [("Iteration 1", 2)]


def test_iteration_answers_alone_where_nothing_is_live(site: Client, db: None) -> None:
    assert tried(send(site, make_iteration(factories.make_project()))) == [("Iteration 1", 2)]


def rows() -> dict[str, int]:
    """Count the rows of all tables but that of the counts of requests."""
    with connection.cursor() as cursor:
        counts = {}
        for table in sorted(set(connection.introspection.table_names()) - {"accounts_requestcount"}):
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608  # names of our own tables
            counts[table] = cursor.fetchone()[0]
    return counts


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("headers", [SCRIPT, {}], ids=["script", "form"])
def test_nothing_is_stored(
    site: Client, newer: Iteration, blobs: Path, tmp_path: Path, settings: Settings, headers: dict[str, str]
) -> None:
    """Neither a row nor a blob nor a temporary file, though uploads of this size are written to the disk here."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE, settings.FILE_UPLOAD_TEMP_DIR = 0, str(tmp_path)
    site.get(address(newer))
    before = rows(), files(blobs), files(tmp_path)

    answer = site.post(address(newer), {"photo": photo()}, headers=headers)

    assert len(tried(answer)) == 2
    assert (rows(), files(blobs), files(tmp_path)) == before


def test_several_tags_an_image_are_tried_too(transactional_db: None, signed_in: Callable[[User], Client]) -> None:
    project = factories.make_project(type=Project.Type.MULTILABEL)
    tags = [project.tags.create(name=name) for name in ("pizza", "soup")]
    for number in range(24):
        factories.make_image(project=project, tags=[tags[number % 2]], seed=number, size=(32, 24))
    iteration = train_here(project=project, options=TrainingOptions(), by=None, watch=None)

    answer = send(signed_in(factories.make_developer()), iteration)

    assert tried(answer) == [(iteration.name, 2)]


def test_iterations_of_different_backbones_answer_beside_each_other(site: Client, live: Iteration) -> None:
    other = backbones.for_domain("General")
    head = factories.make_head("pizza", "risotto", domain="General")
    newer = make_iteration(live.project, backbone=other.name, head_key=write_head(head))

    assert tried(send(site, newer)) == [("Iteration 2", 2), ("Iteration 1", 2)]


@pytest.mark.parametrize(
    ("content", "said"), [(b"%PDF-1.7", "PDF"), (factories.make_photo(format="PNG"), "PNG"), (b"", "vide")]
)
def test_photo_that_is_refused_is_told_in_a_sentence(site: Client, newer: Iteration, content: bytes, said: str) -> None:
    upload = SimpleUploadedFile("menu.jpg", content)

    answer = site.post(address(newer), {"photo": upload}, headers=SCRIPT)

    page = answer.content.decode()
    assert answer.status_code == HTTPStatus.OK
    assert 'data-state="refused"' in page
    assert said in page
    assert "menu.jpg" in page


def test_form_without_a_photo_says_so(site: Client, newer: Iteration) -> None:
    answer = site.post(address(newer), {})

    assert answer.context["form"].errors["photo"]
    assert "Choisissez" in answer.content.decode()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (BackendUnavailable("The storage is away."), "injoignable"),
        (BackendMisconfigured("There is no file x.onnx."), "There is no file x.onnx."),
    ],
)
def test_one_that_cannot_answer_leaves_the_other_its_answer(
    site: Client, newer: Iteration, monkeypatch: pytest.MonkeyPatch, trouble: Exception, said: str
) -> None:
    real = LocalBackend.quick_test

    def ask(self: LocalBackend, photo: Any, *, iteration: Iteration) -> Answer:
        if iteration == newer:
            raise trouble
        return real(self, photo, iteration=iteration)

    monkeypatch.setattr(LocalBackend, "quick_test", ask)

    answer = send(site, newer)

    assert [bool(each.prediction) for each in answer.context["tried"]] == [False, True]
    assert said in answer.content.decode()


def test_photo_whose_pixels_are_damaged_is_told_in_a_sentence(
    site: Client, newer: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> Answer:
        raise RefusedPicture(RefusalReason.DAMAGED, refusals.DAMAGED, format="JPEG")

    monkeypatch.setattr(LocalBackend, "quick_test", refuse)

    answer = send(site, newer)

    assert 'data-state="refused"' in answer.content.decode()
    assert "abîmée" in answer.content.decode()


def test_iteration_that_was_not_trained_here_says_why_it_cannot_be_tried(site: Client, live: Iteration) -> None:
    noted = make_iteration(live.project, head_key="", backbone="", remote_id=uuid4())

    page = site.get(address(noted))

    assert noted.name in page.context["obstacle"]
    assert 'type="file"' not in page.content.decode()


@pytest.mark.parametrize("fields", [{"status": "New"}, {"status": "Training"}, {"status": "Failed", "error": "No."}])
def test_iteration_that_is_not_completed_is_not_tried(site: Client, live: Iteration, fields: dict[str, str]) -> None:
    answer = site.get(address(make_iteration(live.project, **fields)), follow=True)

    assert [str(each) for each in answer.context["messages"]] == ["Seule une itération terminée peut être essayée."]


def test_iteration_that_there_is_not_is_not_found(site: Client, live: Iteration) -> None:
    unknown = reverse("classifier:trial", args=[live.project_id, 99])

    assert site.get(unknown).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("make", [factories.make_user, factories.make_reviewer])
def test_page_is_for_developers(signed_in: Callable[[User], Client], live: Iteration, make: Callable[[], User]) -> None:
    assert signed_in(make()).get(address(live)).status_code == HTTPStatus.NOT_FOUND


def test_trials_count_as_photos(site: Client, newer: Iteration, settings: Settings) -> None:
    settings.CLASSIFR_PHOTOS_PER_MINUTE = 2

    statuses = [send(site, newer).status_code for _ in range(3)]

    assert statuses == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS]


def test_trials_are_linked_where_one_decides(site: Client, newer: Iteration) -> None:
    for name in ("iteration", "publish"):
        page = site.get(reverse(f"training:{name}", args=[newer.project_id, newer.number]))
        assert f'href="{address(newer)}"' in page.content.decode()
