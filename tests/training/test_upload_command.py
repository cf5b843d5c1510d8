"""A folder is uploaded by command, one sub-folder a tag."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Picture
from catalog.storage import LocalBlobs
from jobs.models import Job
from tests import factories
from training.models import Image, Project, Tag
from training.services.projects import create_tags

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tags by sub-folder, one in each of the brief's ways of naming, and things that are no pictures."""
    for number in range(3):
        for name in (f"pizza/pizza ({number}).jpg", f"risotto/risotto_{number}.jpg"):
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(factories.make_photo())
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def counts(project: Project) -> dict[str, int]:
    return {tag.name: tag.images.count() for tag in project.tags.all()}


@pytest.mark.django_db(transaction=True)
def test_each_sub_folder_is_a_tag(project: Project, folder: Path) -> None:
    call_command("upload_images", str(folder), project="Dishes")

    assert counts(project) == {"pizza": 3, "risotto": 3}


@pytest.mark.django_db(transaction=True)
def test_files_are_tagged_by_their_names(project: Project, folder: Path) -> None:
    create_tags(project=project, names=["pizza", "risotto"])
    for path in list(folder.rglob("*.jpg")):
        path.rename(folder / path.name)

    call_command("upload_images", str(folder), project="Dishes")

    assert counts(project) == {"pizza": 3, "risotto": 3}


@pytest.mark.django_db(transaction=True)
def test_upload_is_safe_to_run_twice(project: Project, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("upload_images", str(folder), project="Dishes")
    call_command("upload_images", str(folder), project="Dishes")

    assert "OKDuplicate 6" in capsys.readouterr().out
    assert counts(project) == {"pizza": 3, "risotto": 3}


@pytest.mark.django_db(transaction=True)
def test_refused_file_is_named_and_the_rest_goes_on(
    project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pizza" / "broken.jpg").write_bytes(b"\xff\xd8broken")

    with pytest.raises(CommandError, match="1 files were refused") as raised:
        call_command("upload_images", str(folder), project="Dishes")

    assert raised.value.returncode == 1
    assert "broken.jpg: ErrorImageFormat" in capsys.readouterr().out
    assert project.images.count() == 6


@pytest.mark.django_db(transaction=True)
def test_storage_that_refuses_ends_the_upload_with_a_sentence(
    project: Project, folder: Path, storage_refuses: None
) -> None:
    with pytest.raises(CommandError, match="Run it again later"):
        call_command("upload_images", str(folder), project="Dishes")

    assert Job.objects.get().state == Job.State.FAILED
    assert not Picture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_disk_that_fills_up_keeps_what_came_before(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    save: Callable[..., str] = LocalBlobs._save

    def save_four(self: LocalBlobs, name: str, content: Any) -> str:
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        written.append(name)
        return save(self, name, content)

    monkeypatch.setattr(LocalBlobs, "_save", save_four)

    with pytest.raises(CommandError, match="2 files were refused"):
        call_command("upload_images", str(folder), project="Dishes")

    assert project.images.count() == Picture.objects.count() == 4


def test_dry_run_uploads_nothing(project: Project, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("upload_images", str(folder), project="Dishes", dry_run=True)

    assert "6 files would be uploaded" in capsys.readouterr().out
    assert not Image.objects.exists()
    assert not Tag.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/nonexistent"], "is no folder"),
        ([".github"], "is no folder"),
        (["{folder}", "--tag", "pasta"], "no tag 'pasta'"),
        (["{folder}", "--project", "Nothing"], "no project 'Nothing'"),
    ],
)
def test_wrong_question_ends_with_exit_code_2(
    project: Project, folder: Path, arguments: list[str], sentence: str
) -> None:
    filled = [each.format(folder=folder) for each in arguments]

    with pytest.raises(CommandError, match=sentence) as raised:
        call_command("upload_images", "--project", "Dishes", *filled)

    assert raised.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_odd_names_do_not_stop_an_upload(project: Project, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pizza").rename(folder / "pizza ")
    (folder / ".hidden").mkdir()
    for name in (b"risotto/bad\xff.jpg", b".hidden/a.jpg", b"risotto/un\nplat.jpg"):
        (folder / os.fsdecode(name)).write_bytes(factories.make_photo())

    call_command("upload_images", str(folder), project="Dishes")

    assert counts(project) == {"pizza": 3, "risotto": 5}
