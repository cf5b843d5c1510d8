"""The commands that learn: the brief's two stories on made-up pictures, and what is asked wrongly."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Pixels

from catalog.models import Vector
from engine.splitting import Part
from training.models import Iteration, Project

pytestmark = pytest.mark.django_db(transaction=True)
COLOURS = {"cannoli": (200, 170, 60), "risotto": (60, 60, 200), "pizza": (200, 40, 30), "tiramisu": (60, 180, 60)}


def make_photos(folder: Path, tag: str, *, count: int = 8) -> Path:
    """Write pictures in the tag's colour, no two alike."""
    (folder / tag).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(list(COLOURS).index(tag))
    for number in range(count):
        coarse = (random.integers(0, 256, (6, 8, 3)) + np.array(COLOURS[tag])) // 2
        photo = Pixels.fromarray(coarse.astype(np.uint8)).resize((320, 240), Pixels.Resampling.BICUBIC)
        photo.save(folder / tag / f"{tag} ({number}).jpg")
    return folder


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command on the project Dishes and return what it printed."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        command, *rest = arguments
        call_command(command, *rest, *([] if command == "create_project" else ["--project", "Dishes"]))
        return capsys.readouterr().out

    return run


@pytest.fixture
def trained(manage: Callable[..., str], tmp_path: Path) -> Iteration:
    """The first story up to its training."""
    manage("create_project", "Dishes")
    manage("create_tags", "cannoli", "risotto")
    folder = make_photos(make_photos(tmp_path / "first", "cannoli"), "risotto")
    manage("upload_images", str(folder))
    manage("train", "--wait")
    return Iteration.objects.get()


def test_two_stories(
    trained: Iteration, manage: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Iteration 1 answers as live" in manage("publish")
    answers = json.loads(manage("predict", str(tmp_path / "first" / "risotto"), "--json"))
    assert _most_said(answers) == "risotto"
    vectors = Vector.objects.count()

    manage("create_tags", "pizza", "tiramisu")
    folder = make_photos(make_photos(tmp_path / "second", "pizza"), "tiramisu")
    manage("upload_images", str(folder))
    manage("train", "--wait")
    assert "in place of Iteration 1" in manage("publish")

    assert Vector.objects.count() == 2 * vectors
    assert "published as live" in manage("iterations").splitlines()[0]
    assert "published" not in manage("iterations").splitlines()[1]
    answers = json.loads(manage("predict", str(tmp_path / "second" / "pizza"), "--json"))
    assert _most_said(answers) == "pizza"


def _most_said(answers: list[Any]) -> str:
    """Return the tag that most answers begin with: with so few pictures, one may be taken for another."""
    tags = Counter(str(each["predictions"][0]["tag"]) for each in answers)
    return tags.most_common(1)[0][0]


def test_performance_is_told_at_a_threshold(trained: Iteration, manage: Callable[..., str]) -> None:
    lines = manage("performance", "--threshold", "0,85").splitlines()

    assert lines[0] == "Iteration 1, threshold 0.85"
    assert [line.split()[0] for line in lines[2:5]] == ["all", "cannoli", "risotto"]


def test_performance_for_programs(trained: Iteration, manage: Callable[..., str]) -> None:
    told = json.loads(manage("performance", "--json"))

    assert (told["iteration"], told["threshold"]) == (1, 0.5)
    held_out = Counter(trained.project.images.filter(part=Part.HELD_OUT).values_list("tags__name", flat=True))
    assert {each["tag"]: each["pictures"] for each in told["per_tag"]} == held_out
    assert min(held_out["cannoli"], held_out["risotto"]) >= 2
    assert 0 <= told["overall"]["precision"] <= 1


@pytest.mark.parametrize("threshold", ["2", "-0.1", "half"])
def test_threshold_that_is_none_is_refused(trained: Iteration, manage: Callable[..., str], threshold: str) -> None:
    with pytest.raises(CommandError, match="0 to 1"):
        manage("performance", "--threshold", threshold)


def test_training_again_is_refused_unless_forced(trained: Iteration, manage: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="Nothing has changed") as raised:
        manage("train", "--wait")
    assert raised.value.returncode == 2

    manage("train", "--wait", "--force")

    first, second = Iteration.objects.order_by("number")
    assert first.head_key == second.head_key  # same pictures, same seed: same head


def test_training_is_queued_without_wait(manage: Callable[..., str], trained: Iteration) -> None:
    told = manage("train", "--force")

    assert "queued as job" in told
    assert Iteration.objects.first().status == Iteration.Status.NEW  # type: ignore[union-attr]


def test_forgotten_tags_are_warned_of(
    trained: Iteration, manage: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manage("upload_images", str(make_photos(tmp_path / "second", "pizza")))

    call_command("train", "--wait", "--tags", "pizza", "cannoli", "--project", "Dishes")

    assert "will not know risotto" in capsys.readouterr().err
    assert set(Iteration.objects.latest("number").metrics["per_tag"]) == {"cannoli", "pizza"}


@pytest.mark.parametrize(
    ("names", "sentence"), [(["cannoli", "pasta"], "no tag pasta"), (["cannoli"], "at least 2 are needed")]
)
def test_tags_that_cannot_be_trained_on_are_refused(
    trained: Iteration, manage: Callable[..., str], names: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        manage("train", "--dry-run", "--tags", *names)


def test_too_few_images_are_counted(manage: Callable[..., str], tmp_path: Path) -> None:
    manage("create_project", "Dishes")
    manage("upload_images", str(make_photos(make_photos(tmp_path, "pizza", count=4), "cannoli")))

    with pytest.raises(CommandError, match=r"pizza \(4\)"):
        manage("train")


def test_what_training_leaves_aside_is_told_with_its_reason(trained: Iteration, manage: Callable[..., str]) -> None:
    keys = trained.project.images.values_list("pk", flat=True)[:2]
    trained.project.images.filter(pk__in=keys).update(quarantine="The picture is damaged.", name="blurred.jpg")

    said = manage("train", "--dry-run", "--force")
    told = json.loads(manage("train", "--wait", "--force", "--json"))

    assert "leaves 2 images aside" in said
    assert "  blurred.jpg: The picture is damaged." in said
    assert [(each["name"], each["reason"]) for each in told["quarantined"]] == 2 * [
        ("blurred.jpg", "The picture is damaged.")
    ]


def test_dry_run_trains_nothing(trained: Iteration, manage: Callable[..., str]) -> None:
    assert "Would train on 2 tags" in manage("train", "--dry-run", "--force")
    assert Iteration.objects.count() == 1


def test_export_is_a_package(trained: Iteration, manage: Callable[..., str], tmp_path: Path) -> None:
    manage("export_iteration", "--output", str(tmp_path / "dishes.zip"))

    assert (tmp_path / "dishes.zip").read_bytes()[:2] == b"PK"


def test_tags_are_counted(trained: Iteration, manage: Callable[..., str]) -> None:
    told = json.loads(manage("tags", "--json"))

    counts = {"image_count": 8, "shipped_count": 0}
    assert told == [{"name": name, "type": "Regular", **counts} for name in ("cannoli", "risotto")]


def test_sync_of_a_local_project_has_nothing_to_do(trained: Iteration, manage: Callable[..., str]) -> None:
    assert "nothing to bring in line" in manage("sync")


def test_project_that_exists_is_refused(manage: Callable[..., str]) -> None:
    manage("create_project", "Dishes")

    with pytest.raises(CommandError) as raised:
        manage("create_project", "dishes")

    assert raised.value.returncode == 2


@pytest.mark.parametrize("domain", ["Landmarks", ""])
def test_unknown_domain_is_refused(manage: Callable[..., str], domain: str) -> None:
    with pytest.raises(CommandError):
        manage("create_project", "Dishes", "--domain", domain)


# On real photographs


@pytest.fixture
def measured(food101: Path, manage: Callable[..., str]) -> Callable[..., float]:
    """Train on the photographs' training part and return the share of held-out ones whose top tag is right."""

    def run(tags: list[str], domain: str, *, project: str = "Dishes") -> float:
        at = ["--project", project]
        manage("create_project", project, "--domain", domain)
        manage("create_tags", *tags, *at)
        for tag in tags:
            manage("upload_images", str(food101 / "images" / "Train" / tag), "--tag", tag, *at)
            manage("upload_images", str(food101 / "images" / "Held-out" / tag), "--tag", tag, "--held-out", *at)
        manage("train", "--wait", *at)
        manage("publish", *at)
        folders = [str(food101 / "images" / "Held-out" / tag) for tag in tags]
        answers = json.loads(manage("predict", *folders, "--json", *at))
        right = [Path(each["file"]).parent.name == each["predictions"][0]["tag"] for each in answers]
        return float(np.mean(right))

    return run


ITALIAN = ["cannoli", "pizza", "risotto", "tiramisu"]


@pytest.mark.slow
@pytest.mark.parametrize(("domain", "least", "least_with_gnocchi"), [("Food", 0.95, 0.92), ("General", 0.93, 0.89)])
def test_photographs_are_told_apart(
    measured: Callable[..., float], domain: str, least: float, least_with_gnocchi: float
) -> None:
    assert measured(ITALIAN, domain) >= least
    assert measured([*ITALIAN, "gnocchi"], domain, project="Dishes with gnocchi") >= least_with_gnocchi


def test_uploaded_project_is_seen(measured: Callable[..., float], manage: Callable[..., str]) -> None:
    """Photographs that the Food backbone was fine-tuned on measure nothing."""
    measured(ITALIAN[:2], "Food")

    iteration = Project.objects.get(name="Dishes").iterations.get()

    assert iteration.metrics["seen"] > 200
    assert iteration.metrics["is_optimistic"] is False
    assert iteration.metrics["per_tag"]["pizza"]["measured"] >= 15
