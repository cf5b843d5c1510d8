"""A folder is uploaded by command, one sub-folder a tag."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Picture
from catalog.storage import LocalBlobs
from engine.splitting import Part
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
@pytest.mark.parametrize(("arguments", "tag"), [([], "apple_pie"), (["--spaces"], "apple pie")])
def test_underscores_become_spaces_where_that_is_wanted(
    project: Project, folder: Path, arguments: list[str], tag: str
) -> None:
    (folder / "pizza").rename(folder / "apple_pie")

    for _again in range(2):
        call_command("upload_images", str(folder), *arguments, project="Dishes")

    assert counts(project) == {tag: 3, "risotto": 3}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tags", "tag"), [(["apple pie"], "apple pie"), (["apple pie", "apple_pie"], "apple_pie")])
def test_folder_finds_the_tag_that_is_written_with_spaces(
    project: Project, folder: Path, tags: list[str], tag: str
) -> None:
    create_tags(project=project, names=tags)
    (folder / "pizza").rename(folder / "apple_pie")
    (folder / "risotto" / "risotto_0.jpg").rename(folder / "apple_pie_1.jpg")

    call_command("upload_images", str(folder), project="Dishes")

    assert counts(project)[tag] == 4


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


def told(folder: Path, capsys: pytest.CaptureFixture[str], **options: Any) -> Any:
    """Return what the dry run tells programs."""
    call_command("upload_images", str(folder), project="Dishes", dry_run=True, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def write_photos(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(factories.make_photo())


def test_dry_run_names_what_is_left_out_with_the_reason(
    project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pizza" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))
    write_photos(folder, "@eaDir/a.jpg", ".git/b.jpg")

    value = told(folder, capsys)

    assert value["tags"] == {"pizza": 3, "risotto": 3}
    assert [each["file"] for each in value["left_out"]] == ["notes.txt", "pizza/phone.heic"]
    assert "HEIC" in value["left_out"][1]["reason"]
    assert value["system_files"] == 2


@pytest.mark.django_db(transaction=True)
def test_photo_in_another_format_is_refused_and_another_file_left_out(
    project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pizza" / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(100))

    with pytest.raises(CommandError, match="1 files were refused"):
        call_command("upload_images", str(folder), project="Dishes", as_json=True)

    result = json.loads(capsys.readouterr().out)
    assert [each["file"] for each in result["left_out"]] == ["notes.txt"]
    assert result["remarks"][0]["file"] == "pizza/phone.heic"
    assert result["counts"] == {"ErrorImageFormat": 1, "OK": 6}


SPLITS = ("Train/pizza/1.jpg", "Train/soup/2.jpg", "VALID/pizza/3.jpg", "test/soup/4.jpg")


@pytest.mark.django_db(transaction=True)
def test_train_valid_and_test_are_parts_not_tags(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path, *SPLITS)

    call_command("upload_images", str(tmp_path), project="Dishes")

    assert counts(project) == {"pizza": 2, "soup": 2}
    held_out = project.images.filter(part=Part.HELD_OUT.value).order_by("name")
    assert [image.name for image in held_out] == ["VALID/pizza/3.jpg", "test/soup/4.jpg"]
    assert "2 pictures are held out" in capsys.readouterr().err


def test_train_valid_and_test_are_tags_if_that_is_asked(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path, *SPLITS)

    assert told(tmp_path, capsys)["splits"] == ["Train", "VALID", "test"]
    assert told(tmp_path, capsys, as_tags=True)["tags"] == {"Train": 2, "VALID": 1, "test": 1}


def test_part_to_measure_may_hold_files_alone(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whose own names tell their tags, or nothing: a tag called train would have all the others' pictures."""
    write_photos(tmp_path, "train/pizza/1.jpg", "train/risotto/2.jpg", "test/pizza_3.jpg", "test/4.jpg")

    call_command("upload_images", str(tmp_path), project="Dishes", dry_run=True)

    said = capsys.readouterr().out
    assert "2  pizza" in said
    assert "1  no tag" in said
    assert "test, train are read as parts" in said
    assert "3 files would be uploaded." in said


def test_parts_may_lie_in_one_folder(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path, *(f"dishes/{name}" for name in SPLITS))

    assert told(tmp_path, capsys)["tags"] == {"pizza": 2, "soup": 2}


def test_parts_may_lie_in_one_folder_of_a_zip(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in SPLITS:
            archive.writestr(f"download/dishes/{name}", factories.make_photo())

    assert told(tmp_path / "all.zip", capsys)["tags"] == {"pizza": 2, "soup": 2}


def test_file_of_a_zip_may_be_called_as_its_folder(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("dishes", "dishes/pizza/1.jpg"):
            archive.writestr(name, factories.make_photo())

    assert told(tmp_path / "all.zip", capsys)["tags"] == {"dishes": 1}


def test_single_folder_without_parts_is_a_tag(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path, "pizza/2024/1.jpg", "pizza/2025/2.jpg")

    assert told(tmp_path, capsys)["tags"] == {"pizza": 2}


@pytest.mark.parametrize(
    "names",
    [
        ("train/1.jpg", "test/2.jpg"),
        ("train/a/1.jpg", "test/b/2.jpg"),
        ("train/a/1.jpg", "test/a/2.jpg", "plane/a/3.jpg"),
        ("train/a/1.jpg", "training/a/2.jpg"),
    ],
)
def test_other_folders_of_those_names_are_tags(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...]
) -> None:
    write_photos(tmp_path, *names)

    assert told(tmp_path, capsys)["splits"] == []


def test_same_photo_under_two_tags_is_named_with_both(
    project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "risotto" / "twice.jpg").write_bytes((folder / "pizza" / "pizza (0).jpg").read_bytes())

    [same] = told(folder, capsys)["contradictions"]

    assert same == [
        {"file": "pizza/pizza (0).jpg", "tag": "pizza"},
        {"file": "risotto/twice.jpg", "tag": "risotto"},
    ]


@pytest.mark.django_db(transaction=True)
def test_upload_names_both_tags_of_the_same_photo(
    project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "risotto" / "twice.jpg").write_bytes((folder / "pizza" / "pizza (0).jpg").read_bytes())

    call_command("upload_images", str(folder), project="Dishes")

    assert "as pizza, and stays so: now it came as risotto." in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wrapping", ["", "dishes/"])
def test_zip_of_folders_is_uploaded(project: Project, tmp_path: Path, wrapping: str) -> None:
    with zipfile.ZipFile(tmp_path / "dishes.zip", "w") as archive:
        for name in ("pizza/1.jpg", "pizza/2.jpg", "Crème brûlée/3.jpg", "__MACOSX/._1.jpg"):
            archive.writestr(wrapping + name, factories.make_photo())

    call_command("upload_images", str(tmp_path / "dishes.zip"), project="Dishes")

    assert counts(project) == {"Crème brûlée": 1, "pizza": 2}


def test_broken_zip_ends_with_exit_code_2(project: Project, tmp_path: Path) -> None:
    (tmp_path / "dishes.zip").write_bytes(b"PK\x03\x04 and no more")

    with pytest.raises(CommandError, match="ZIP is broken") as raised:
        call_command("upload_images", str(tmp_path / "dishes.zip"), project="Dishes")

    assert raised.value.returncode == 2
