"""A project is copied from another server that speaks the API: here another site of ours, on a database of its own."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from azure.cognitiveservices.vision.customvision.training import models
from django.conf import settings as site_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from azurecv.importing.project import _batches
from azurecv.importing.source import Source
from jobs.models import Job
from tests import factories
from tests.classifr.serving import Served
from tests.customvision.conftest import ARM_ID, connect_trainer
from training.exceptions import BackendUnavailable
from training.models import Image, Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("other side")]

FOOD = "c151d5b5-dd07-472a-acc8-15d29dea8518"
IMAGES_A_TAG = 12


def manage(site: Served, *arguments: str) -> str:
    environment = {**site.environment, "DJANGO_SETTINGS_MODULE": "classifr.settings"}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, env=environment, cwd=site_settings.BASE_DIR, check=True, capture_output=True)
    return done.stdout.decode()


@pytest.fixture(scope="module")
def other_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A site with a project of two tags that is trained and published as "live one"."""
    folder = tmp_path_factory.mktemp("other")
    site = Served(folder, folder / "log")
    site.prepare()
    site.start()
    key = manage(
        site,
        "shell",
        "-c",
        "from accounts.keys import create_key; print(create_key(name='t', scope='all', by=None)[1])",
    ).split()[-1]
    with connect_trainer(site.address, key) as trainer:
        yield SimpleNamespace(site=site, key=key, trainer=trainer, project=fill(site, trainer))
    site.stop()


def fill(site: Served, trainer: Any) -> Any:
    project = trainer.create_project("Dishes", "Of Italy", FOOD, "Multiclass")
    tags = [trainer.create_tag(project.id, name, description=f"{name}!") for name in ("pizza", "risotto")]
    for place, tag in enumerate(tags):
        photos = {f"{number}.jpg": factories.make_photo(seed=1000 * place + number) for number in range(IMAGES_A_TAG)}
        entries = [
            models.ImageFileCreateEntry(name=name, contents=bytearray(photo), tag_ids=[tag.id])
            for name, photo in photos.items()
        ]
        trainer.create_images_from_files(project.id, models.ImageFileCreateBatch(images=entries))
    trainer.create_images_from_data(project.id, factories.make_photo(seed=5000))
    tagged = trainer.get_tagged_images(project.id, take=1)
    trainer.update_image_metadata(project.id, [tagged[0].id], {"camera": "phone"})
    manage(site, "train", "--project", "Dishes", "--wait")
    iteration = trainer.get_iterations(project.id)[0]
    trainer.publish_iteration(project.id, iteration.id, "live one", ARM_ID)
    return project


@pytest.fixture(autouse=True)
def reachable(transactional_db: None, settings: Settings, other_side: Any) -> None:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = other_side.site.address
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = other_side.key
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 1000.0


def copy(*arguments: str) -> str:
    written = io.StringIO()
    call_command("import_customvision", "--project", "Dishes", *arguments, stdout=written)
    return written.getvalue()


@pytest.mark.slow
def test_project_keeps_its_ids_tags_and_images(other_side: Any) -> None:
    copy("--no-train")

    project = Project.objects.get(uid=other_side.project.id)
    assert (project.name, project.domain, project.type) == ("Dishes", "Food", "Multiclass")
    there = other_side.trainer.get_tags(project.uid)
    assert {(str(tag.uid), tag.name) for tag in project.tags.all()} == {(tag.id, tag.name) for tag in there}
    ids = {each.id for each in other_side.trainer.get_images(project.uid, take=256)}
    assert {str(uid) for uid in project.images.values_list("uid", flat=True)} == ids
    assert project.images.untagged().count() == 1
    assert Image.objects.get(metadata={"camera": "phone"}).tags.count() == 1


@pytest.mark.slow
def test_iterations_are_noted_with_their_figures(other_side: Any) -> None:
    copy("--no-train")

    noted = Project.objects.get().iterations.get()
    assert noted.name == "Iteration 1"
    assert noted.metrics["measured_by"] == "Azure Custom Vision"
    assert not noted.is_published


@pytest.mark.slow
def test_trained_project_answers_under_the_name_that_programs_use(other_side: Any) -> None:
    told = copy()

    project = Project.objects.get()
    assert project.live_iteration
    assert project.live_iteration.publish_name == "live one"
    assert str(project.uid) in told
    assert "both say the same" in told


@pytest.mark.slow
def test_what_is_here_already_stays(other_side: Any) -> None:
    copy("--no-train")

    told = json.loads(copy("--no-train", "--json"))

    assert (told["images"], told["there"], told["tags"], told["iterations"]) == (0, 2 * IMAGES_A_TAG + 1, 0, 0)


def test_image_that_cannot_be_fetched_is_told_and_copied_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        fetch = Source.content
        lost: list[Any] = []

        def content(self: Source, image: Any) -> bytes:
            lost.append(image.id)
            if image.id == lost[0]:
                raise BackendUnavailable("Gone.")
            return fetch(self, image)

        patched.setattr(Source, "content", content)
        told = json.loads(copy("--no-train", "--json"))
    assert told["remarks"] == [f"{lost[0]}: Gone."]

    assert json.loads(copy("--no-train", "--json"))["images"] == 1


def test_wrong_key_is_told(settings: Settings) -> None:
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "nonsense"

    with pytest.raises(CommandError, match="does not accept CLASSIFR_CUSTOMVISION_TRAINING_KEY"):
        copy()


def test_unknown_project_is_told_with_those_that_there_are() -> None:
    with pytest.raises(CommandError, match="There is no project Pasta there; there are: Dishes"):
        call_command("import_customvision", "--project", "Pasta")


def test_name_that_is_taken_here_is_told_and_can_be_another() -> None:
    factories.make_project(name="Dishes")

    with pytest.raises(CommandError, match="project of that name already"):
        copy("--no-train")
    copy("--no-train", "--name", "Dishes of Azure")

    assert Project.objects.filter(name="Dishes of Azure").exists()


@pytest.mark.slow
def test_copy_is_a_job_that_says_how_it_ended(other_side: Any) -> None:
    copy("--no-train")

    result: Any = Job.objects.get(kind="import_customvision").result
    assert result["images"] == 2 * IMAGES_A_TAG + 1


@pytest.mark.parametrize(("tags_of_each", "sizes"), [(0, [16, 14]), (1, [16, 14]), (2, [10, 10, 10])])
def test_batches_have_few_pictures_and_no_more_tags_than_one_upload_may(tags_of_each: int, sizes: list[int]) -> None:
    many = [SimpleNamespace(tag_ids=range(100 * number, 100 * number + tags_of_each)) for number in range(30)]

    batches = list(_batches(many))  # type: ignore[arg-type]

    assert [len(batch) for batch in batches] == sizes


@pytest.mark.slow
def test_a_tag_of_the_same_name_and_another_id_is_told(other_side: Any) -> None:
    copy("--no-train")
    project = Project.objects.get()
    project.tags.filter(name="pizza").update(uid=uuid4())

    with pytest.raises(CommandError, match="rename or delete pizza"):
        copy("--no-train")

    assert project.images.tagged().count() == 2 * IMAGES_A_TAG
