"""Classifr's own engine, on small made-up pictures of two colours that it can tell apart."""

import io
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from django.utils import timezone, translation
from PIL import Image as Pillow
from PIL import ImageDraw

from catalog import storage
from engine import backbones, images
from engine.splitting import Part
from jobs.models import Job
from jobs.progress import Progress
from jobs.services import cancel_job, run_job, take_up_lost_jobs
from tests import factories
from training import packages, snapshots
from training.backends.base import TrainingOptions
from training.exceptions import AlreadyTraining, NothingChanged, Refused
from training.heads import read_head
from training.models import Image, Iteration, Project, Tag
from training.services import learning, projects
from training.services.images import delete_images, upload_images
from training.services.tagging import Pair, tag_images
from training.uploads import ImageUpload, UploadResult
from training.vectors import embed_missing

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

COLOURS = {"red": ((130, 0, 0), (255, 110, 110)), "blue": ((0, 0, 130), (110, 110, 255))}
COLOURS["green"] = ((0, 130, 0), (110, 255, 110))


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def draw(colour: str, seed: int, *, quality: int = 95) -> bytes:
    """Return a picture of shades of a colour; other seeds make pictures that are not nearly the same."""
    random = np.random.default_rng([seed, len(colour)])
    low, high = COLOURS[colour]
    coarse = random.integers(low, high, (*random.integers(2, 12, 2), 3), dtype=np.uint8)
    picture = Pillow.fromarray(coarse).resize((320, 240), Pillow.Resampling.NEAREST)
    canvas = ImageDraw.Draw(picture)
    for _ in range(random.integers(2, 12)):
        x, y, width, height = random.integers((0, 0, 20, 20), (320, 240, 150, 150)).tolist()
        shape = canvas.ellipse if random.random() < 0.5 else canvas.rectangle
        shape((x, y, x + width, y + height), fill=tuple(random.integers(low, high).tolist()))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def upload(
    project: Project,
    colour: str,
    seeds: range,
    *,
    quality: int = 95,
    held_out: bool = False,
    source: Image.Source = Image.Source.UPLOAD,
) -> tuple[UploadResult, ...]:
    """Add pictures of a colour, tagged with it, named after colour and seed."""
    tag = project.tags.get(name=colour)
    batch = [
        ImageUpload(f"{colour} {seed}", draw(colour, seed, quality=quality), (tag,), held_out=held_out, source=source)
        for seed in seeds
    ]
    return upload_images(project=project, batch=batch, by=None)


def make_empty(*names: str) -> Project:
    # Which pictures are held out hangs on the project's key.
    project = factories.make_project(pk=1_000_000, name="Colours")
    projects.create_tags(project=project, names=names)
    return project


@pytest.fixture
def project() -> Project:
    """One with ten red and ten blue pictures."""
    project = make_empty("red", "blue")
    for colour in ("red", "blue"):
        upload(project, colour, range(10))
    return project


def train(project: Project, *, tags: tuple[str, ...] = (), force: bool = False) -> Iteration:
    options = TrainingOptions(tags=tags, force=force)
    iteration = learning.train_here(project=project, options=options, by=None, watch=None)
    assert iteration.status == "Completed", iteration.error
    return iteration


def parts(project: Project) -> dict[str, int]:
    return {str(sha256): part for sha256, part in project.images.values_list("picture__sha256", "part")}


def held_out(project: Project) -> set[str]:
    return {sha256 for sha256, part in parts(project).items() if part == Part.HELD_OUT}


def share_right(snapshot: snapshots.Snapshot) -> float:
    """Return the share of measured pictures whose most probable tag is the right one."""
    is_right = snapshot.probabilities.argmax(axis=1) == snapshot.measured_truths.argmax(axis=1)
    return float(is_right.mean())


# What is held out


def test_a_fifth_of_each_tag_is_held_out_and_measured(project: Project) -> None:
    iteration = train(project)

    # Three where the last one taken has a near-duplicate.
    assert all(tag.images.filter(part=Part.HELD_OUT).count() in {2, 3} for tag in project.tags.all())
    assert set(snapshots.read(iteration.snapshot_key).measured_sha256s) == held_out(project)
    assert iteration.metrics["top_1"] == pytest.approx(share_right(snapshots.read(iteration.snapshot_key)))


def test_split_stays_when_images_are_added(project: Project) -> None:
    train(project)
    before = parts(project)

    upload(project, "red", range(10, 20))
    train(project)

    after = parts(project)
    assert {sha256: after[sha256] for sha256 in before} == before
    assert project.tags.get(name="red").images.filter(part=Part.HELD_OUT).count() >= 4


@pytest.mark.parametrize("is_later", [False, True])
def test_near_duplicates_never_straddle_the_split(project: Project, is_later: bool) -> None:
    if is_later:
        train(project)
    upload(project, "red", range(10), quality=85)
    train(project)

    for seed in range(10):
        both = project.images.filter(name=f"red {seed}")
        assert both.count() == 2
        assert len(set(both.values_list("part", flat=True))) == 1


def test_picture_that_the_backbone_knows_is_never_held_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(project, "red", range(20, 22), held_out=True)
    seen = {image.original_sha256 for image in project.images.all() if int(image.name.split()[1]) % 2 == 0}
    monkeypatch.setattr(backbones, "was_seen", lambda card, sha256: sha256 in seen)

    iteration = train(project)

    assert held_out(project)
    assert not project.images.filter(part=Part.HELD_OUT, original_sha256__in=seen).exists()
    assert iteration.metrics["seen"] == len(seen)
    assert iteration.metrics["is_optimistic"] is False


def test_figures_are_optimistic_when_the_backbone_knows_nearly_all(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {image.original_sha256 for image in project.images.exclude(name="red 0")}
    monkeypatch.setattr(backbones, "was_seen", lambda card, sha256: sha256 in seen)

    assert train(project).metrics["is_optimistic"] is True


def test_picture_that_was_uploaded_to_be_held_out_is_never_trained_on(project: Project) -> None:
    results = upload(project, "blue", range(30, 38), held_out=True)
    asked = {result.image.picture.sha256 for result in results if result.image}

    snapshot = snapshots.read(train(project).snapshot_key)

    assert asked <= held_out(project)
    assert asked <= set(snapshot.measured_sha256s)
    learned = {sha256 for sha256, was_learned in zip(snapshot.sha256s, snapshot.learned, strict=True) if was_learned}
    assert not asked & learned


def test_correction_is_never_held_out(project: Project) -> None:
    upload(project, "red", range(40, 70), source=Image.Source.CORRECTION)

    train(project)

    assert held_out(project)
    assert not project.images.filter(source="correction", part=Part.HELD_OUT).exists()


def test_correction_that_shows_nearly_what_is_held_out_is_left_out(project: Project) -> None:
    upload(project, "red", range(30, 31), held_out=True)
    upload(project, "red", range(30, 31), quality=60, source=Image.Source.CORRECTION)

    train(project)

    assert project.images.get(source="correction").part == Part.LEFT_OUT


# What a training is on


def test_training_on_some_tags_knows_only_those(project: Project) -> None:
    projects.create_tags(project=project, names=["green"])
    upload(project, "green", range(6))

    assert read_head(train(project).head_key).tags == ("blue", "green", "red")
    assert read_head(train(project, tags=("Red", "green")).head_key).tags == ("green", "red")


def test_training_again_is_refused_unless_forced(project: Project) -> None:
    first = train(project)

    with pytest.raises(NothingChanged):
        train(project)

    assert train(project, force=True).head_key == first.head_key


def relabel(project: Project) -> None:
    tag_images(project, [Pair(project.images.get(name="red 3"), project.tags.get(name="blue"))], replace=True)


def add(project: Project) -> None:
    upload(project, "red", range(50, 51))


def delete(project: Project) -> None:
    delete_images(list(project.images.filter(name="blue 1")))


@pytest.mark.parametrize("change", [relabel, add, delete])
def test_every_change_can_be_trained_on(project: Project, change: Callable[[Project], None]) -> None:
    first = train(project)

    change(project)

    assert train(project).data_hash != first.data_hash


def test_too_few_images_are_refused_with_the_tags_name() -> None:
    project = make_empty("red", "blue")
    upload(project, "red", range(5))
    upload(project, "blue", range(4))

    with pytest.raises(Refused, match=r"blue \(4\)"):
        train(project)

    assert not project.iterations.exists()


def test_one_tag_is_too_few() -> None:
    project = make_empty("red")
    upload(project, "red", range(5))

    with pytest.raises(Refused, match="1 tag; at least 2"):
        train(project)


def test_picture_whose_file_is_broken_is_put_aside_and_the_training_goes_on(project: Project) -> None:
    broken = project.images.select_related("picture").get(name="red 4")
    storage.write_blob(broken.picture.blob_key, b"garbage")

    iteration = train(project)

    broken.refresh_from_db()
    assert broken.quarantine
    assert broken.picture.sha256 not in snapshots.read(iteration.snapshot_key).sha256s
    assert project.images.usable().count() == 19


def test_tags_of_a_multilabel_project_are_judged_each_for_itself() -> None:
    project = projects.create_project(name="Mixed", type=Project.Type.MULTILABEL)
    projects.create_tags(project=project, names=["red", "blue"])
    projects.create_tags(project=project, names=["green"], type=Tag.Type.NEGATIVE)
    for colour in COLOURS:
        upload(project, colour, range(8))

    head = read_head(train(project).head_key)

    backbone = backbones.get(backbones.for_domain(project.domain).name)
    vector = backbone.vector(images.admit(draw("green", 99), limits=images.TRAINING))
    assert head.tags == ("blue", "red")
    total = float(head.probabilities(vector[None]).sum())
    assert abs(total - 1) > 0.01  # which is what probabilities that exclude each other sum to


def test_old_snapshot_stays_as_it_was(project: Project) -> None:
    first = train(project)
    before = storage.read_blob(first.snapshot_key)

    relabel(project)
    second = train(project)

    first.refresh_from_db()
    assert storage.read_blob(first.snapshot_key) == before
    assert second.snapshot_key != first.snapshot_key


# What somebody changes while it trains


def change_meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[Project], None]) -> None:
    """Have the project changed once its pictures are prepared, as somebody would on its page."""

    def prepare(project: Project, *, progress: Progress) -> int:
        count = embed_missing(project, progress=progress)
        change(Project.objects.get(pk=project.pk))
        return count

    monkeypatch.setattr("training.backends.local.embed_missing", prepare)


def test_domain_that_is_changed_meanwhile_is_for_the_next_training(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_meanwhile(monkeypatch, partial(projects.change_project, domain="General [A1]"))
    iteration = train(project)
    monkeypatch.undo()

    general = backbones.for_domain("General").name
    assert (iteration.backbone, read_head(iteration.head_key).backbone) == (general, general)
    packages.package(iteration)
    assert train(Project.objects.get(pk=project.pk)).backbone == backbones.for_domain("General [A1]").name


def become_multilabel(project: Project) -> None:
    projects.change_project(project, type="Multilabel")
    tag_images(project, [Pair(project.images.get(name="red 3"), project.tags.get(name="blue"))])


def test_project_that_becomes_multilabel_meanwhile_is_learned_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_meanwhile(monkeypatch, become_multilabel)
    iteration = train(project)
    monkeypatch.undo()

    snapshot = snapshots.read(iteration.snapshot_key)
    assert (snapshot.multilabel, read_head(iteration.head_key).multilabel) == (False, False)
    assert snapshot.truths.sum(axis=1).tolist() == [1] * 19
    assert read_head(train(Project.objects.get(pk=project.pk)).head_key).multilabel


def test_project_that_becomes_multiclass_meanwhile_is_learned_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    project = projects.create_project(name="Mixed", type=Project.Type.MULTILABEL)
    projects.create_tags(project=project, names=["red", "blue"])
    projects.create_tags(project=project, names=["green"], type=Tag.Type.NEGATIVE)
    for colour in COLOURS:
        upload(project, colour, range(8))
    change_meanwhile(monkeypatch, partial(projects.change_project, type="Multiclass"))
    iteration = train(project)
    monkeypatch.undo()

    head = read_head(iteration.head_key)
    assert (head.tags, head.multilabel) == (("blue", "red"), True)
    assert snapshots.read(iteration.snapshot_key).multilabel
    assert read_head(train(Project.objects.get(pk=project.pk)).head_key).tags == ("blue", "green", "red")


# Its job


def test_project_trains_once_at_a_time(project: Project) -> None:
    learning.start_training(project=project, options=TrainingOptions(), by=None)

    with pytest.raises(AlreadyTraining):
        learning.start_training(project=project, options=TrainingOptions(force=True), by=None)

    assert project.iterations.count() == Job.objects.filter(kind="train").count() == 1


def test_training_that_is_cancelled_while_it_waits_fails(project: Project) -> None:
    iteration = learning.start_training(project=project, options=TrainingOptions(), by=None)
    assert iteration.job

    cancel_job(iteration.job)

    iteration.refresh_from_db()
    assert (iteration.status, iteration.error) == ("Failed", "The training was cancelled.")
    assert train(project)


def test_training_whose_process_died_is_taken_up_and_completed(project: Project) -> None:
    iteration = learning.start_training(project=project, options=TrainingOptions(), by=None)
    long_ago = timezone.now() - timedelta(hours=1)
    job = Job.objects.filter(pk__in=[iteration.job_id])
    job.update(state=Job.State.RUNNING, run=uuid.uuid4(), attempts=1, started_at=long_ago, heartbeat_at=long_ago)
    project.iterations.update(status=Iteration.Status.TRAINING)

    assert take_up_lost_jobs() == 1
    run_job.call(pk=job.get().pk)

    iteration.refresh_from_db()
    assert (iteration.status, job.get().state, job.get().attempts) == ("Completed", "done", 2)


def test_number_of_a_deleted_iteration_is_not_given_again(project: Project) -> None:
    learning.delete_iteration(train(project))

    assert train(project).number == 2
