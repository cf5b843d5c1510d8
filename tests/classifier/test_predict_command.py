"""`manage.py predict` and `manage.py purge_pending`."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from classifier.models import PendingPhoto, Prediction
from tests import factories
from training.models import Project


def predict(*arguments: object) -> str:
    out = io.StringIO()
    call_command("predict", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(factories.make_photo())
    (folder / "b.png").write_bytes(factories.make_photo(format="PNG"))
    (folder / "deeper" / "c.JPG").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_json_lists_every_photo_in_order(food_project: Project, folder: Path) -> None:
    records: list[dict[str, Any]] = json.loads(predict(folder, "--json"))

    assert [Path(record["file"]).name for record in records] == ["a.jpg", "b.png", "c.JPG", "notes.txt"]
    probabilities = [each["probability"] for each in records[0]["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert records[0]["iteration"] == "Iteration 1"
    assert set(records[0]) == {"file", "iteration", "predictions"}


def test_refused_photo_has_its_reason_and_the_rest_goes_on(food_project: Project, folder: Path) -> None:
    records = json.loads(predict(folder / "deeper" / "c.JPG", folder / "a.jpg", "--json"))

    assert set(records[0]) == {"file", "error"}
    assert "predictions" in records[1]


def test_command_that_classifies_nothing_says_why_and_fails_with_1(
    food_project: Project, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="0 photos classified, 1 refused") as caught:
        call_command("predict", str(folder / "deeper"))

    assert caught.value.returncode == 1
    assert "not a picture" in capsys.readouterr().out


def test_table_shows_percentages(food_project: Project, folder: Path) -> None:
    table = predict(folder / "a.jpg")

    assert table.count("%") == 101


def test_nothing_is_stored(food_project: Project, folder: Path) -> None:
    predict(folder)

    assert not Prediction.objects.exists()
    assert not PendingPhoto.objects.exists()


@pytest.mark.parametrize(("arguments", "word"), [(["/nowhere.jpg"], "nowhere"), (["--project", "none", "."], "none")])
def test_wrong_question_exits_with_2(food_project: Project, arguments: list[str], word: str) -> None:
    with pytest.raises(CommandError, match=word) as caught:
        predict(*arguments)

    assert caught.value.returncode == 2


def test_project_without_a_live_iteration_fails_with_1(folder: Path, db: None) -> None:
    factories.make_project(name="empty")

    with pytest.raises(CommandError, match="No iteration") as caught:
        predict(folder, "--project", "empty")

    assert caught.value.returncode == 1


def test_purge_erases_what_is_expired_alone(db: None) -> None:
    now = timezone.now()
    for hours in (-1, 1):
        PendingPhoto.objects.create(
            prediction=factories.make_prediction(), content=b"photo", expires_at=now + timedelta(hours=hours)
        )
    tried, out = io.StringIO(), io.StringIO()

    call_command("purge_pending", "--dry-run", stdout=tried)
    assert (PendingPhoto.objects.count(), tried.getvalue()) == (2, "1 photos would be erased.\n")
    call_command("purge_pending", stdout=out)

    assert PendingPhoto.objects.get().expires_at > now
    assert out.getvalue() == "1 photos erased.\n"


def test_pending_photos_are_in_no_log(db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'classifier_pendingphoto'")
        assert cursor.fetchone() == ("u",)


def test_zip_is_read_as_a_folder_is(food_project: Project, folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in (folder / "a.jpg", folder / "notes.txt"):
            archive.write(path, path.name)
        archive.writestr(".DS_Store", "x")

    records = json.loads(predict(tmp_path / "photos.zip", "--json"))

    assert [Path(record["file"]).name for record in records] == ["a.jpg", "notes.txt"]
    assert "predictions" in records[0]
    assert "error" in records[1]
