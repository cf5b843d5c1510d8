"""Processes that are killed or told to end in the middle: taken up by others, nothing doubled, nothing lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from django.db import connection
from django.utils import timezone

from catalog.models import Picture, Vector
from catalog.storage import stored_blobs
from customvision.exports import start_export
from customvision.models import Export
from jobs.models import Job
from jobs.services import take_up_lost_jobs
from tests import factories
from training.backends.base import TrainingOptions
from training.models import Iteration, Project
from training.services.images import upload_images
from training.services.learning import start_training
from training.services.projects import create_project, create_tags
from training.services.starter import add_iteration
from training.uploads import ImageUpload

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
Worker: TypeAlias = subprocess.Popen[bytes]
ROOT = Path(__file__).resolve().parent.parent.parent
COUNT = 150


@pytest.fixture
def spawn(blobs: Path) -> Iterator[Callable[..., Worker]]:
    """Start `manage.py` in a process of its own, on this test's database and blobs."""
    processes = []
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CLASSIFR_VAR": str(blobs.parent),
        "CLASSIFR_JOB_LOST_SECONDS": "5",
        "CLASSIFR_EMBED_THREADS": "1",
    }

    def start(*arguments: str, log: Path | None = None) -> Worker:
        command = [sys.executable, "manage.py", *arguments]
        with log.open("wb") if log else nullcontext(subprocess.PIPE) as stderr:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stderr)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def wait_until(is_true: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def make_folder(folder: Path) -> Path:
    for tag in ("red", "blue"):
        (folder / tag).mkdir(parents=True)
        for number in range(COUNT // 2):
            (folder / tag / f"{tag} ({number}).jpg").write_bytes(factories.make_photo())
    return folder


def make_trainable(project: Project, *, count: int = COUNT) -> None:
    tags, _ = create_tags(project=project, names=["red", "blue"])
    for start in range(0, count, 50):
        batch = [
            ImageUpload(f"{number}.jpg", factories.make_photo(), (tags[number % 2],))
            for number in range(start, start + 50)
        ]
        upload_images(project=project, batch=batch, by=None)


def test_training_goes_on_in_another_worker(spawn: Callable[..., Worker]) -> None:
    project = create_project(name="Killed")
    make_trainable(project)
    start_training(project=project, options=TrainingOptions(), by=None)
    Job.objects.exclude(kind="train").delete()  # the training itself embeds

    first = spawn("worker")
    wait_until(lambda: Vector.objects.exists())
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert Vector.objects.count() < COUNT
    spawn("worker")
    wait_until(lambda: Iteration.objects.get().status == Iteration.Status.COMPLETED)

    job = Job.objects.get(kind="train")
    assert (job.attempts, Vector.objects.count(), project.iterations.count()) == (2, COUNT, 1)


@pytest.mark.slow
def test_three_workers_do_everything_once_though_two_of_them_go(spawn: Callable[..., Worker], tmp_path: Path) -> None:
    embedded, trained = (create_project(name=name) for name in ("Embedded", "Trained"))
    for project in (embedded, trained):
        make_trainable(project, count=2 * COUNT)
    Job.objects.filter(arguments={"project": trained.pk}).delete()  # the training itself embeds
    iteration = start_training(project=trained, options=TrainingOptions(), by=None)
    head = factories.make_head("cannoli", "risotto")
    exported = add_iteration(project=factories.make_project(domain=Project.Domain.FOOD), head=head, metrics={})
    export = start_export(iteration=exported, platform="ONNX", flavor="", by=None)

    logs = [tmp_path / f"{number}.log" for number in range(3)]
    workers = {log: spawn("worker", log=log) for log in logs}
    wait_until(lambda: vectors_of(embedded) > 0, seconds=180)
    killed = worker_of(workers, "embed")
    killed.kill()
    wait_until(lambda: vectors_of(trained) > 0, seconds=180)
    told = worker_of(workers, "train")
    told.terminate()
    assert vectors_of(embedded) < 2 * COUNT
    wait_until(lambda: not Job.objects.unfinished().exists(), seconds=180)
    for worker in workers.values():
        worker.terminate()

    assert [worker.wait(timeout=60) for worker in workers.values() if worker is not killed] == [0, 0]
    lines = "".join(log.read_text() for log in logs).splitlines()
    jobs = {job.kind: job for job in Job.objects.all()}
    assert {kind: job.attempts for kind, job in jobs.items()} == {"embed": 2, "train": 1, "export": 1}
    assert {kind: began(lines, job) for kind, job in jobs.items()} == {"embed": 2, "train": 2, "export": 1}
    assert [ended(lines, job) for job in jobs.values()] == [1, 1, 1]
    assert Vector.objects.count() == Picture.objects.count() == 4 * COUNT
    assert (Iteration.objects.get(pk=iteration.pk).status, Export.objects.get().status) == ("Completed", "Done")
    assert export
    assert sum(1 for _ in stored_blobs("exports/")) == 1


def vectors_of(project: Project) -> int:
    return Vector.objects.filter(picture__images__project=project).count()


def worker_of(workers: Mapping[Path, Worker], kind: str) -> Worker:
    """Return the one that has begun a job of that kind, by its log."""
    (found,) = (worker for log, worker in workers.items() if f"kind={kind} attempt=1" in log.read_text())
    return found


def began(lines: Sequence[str], job: Job) -> int:
    return sum(f"Started job={job.pk} " in line for line in lines)


def ended(lines: Sequence[str], job: Job) -> int:
    return sum(f"Ended job={job.pk} " in line and "state=done" in line for line in lines)


def test_upload_goes_on_when_it_is_run_again(spawn: Callable[..., Worker], tmp_path: Path) -> None:
    project = create_project(name="Killed")
    folder = make_folder(tmp_path / "photos")

    first = spawn("upload_images", "--project", "Killed", str(folder))
    wait_until(lambda: project.images.exists())
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert project.images.count() < COUNT
    second = spawn("upload_images", "--project", "Killed", str(folder))
    output, errors = second.communicate(timeout=120)

    assert second.returncode == 0, errors
    assert f"of {COUNT}" not in output.decode()
    assert project.images.count() == Picture.objects.count() == COUNT
    assert {tag.images.count() for tag in project.tags.all()} == {COUNT // 2}
    assert sum(1 for _ in stored_blobs("pictures/")) == COUNT  # not what the killed one was just writing


def test_job_of_a_killed_upload_says_that_it_can_be_run_again() -> None:
    job = Job.objects.create(
        kind="upload",
        msgid="Upload",
        can_resume=False,
        state=Job.State.RUNNING,
        run="12345678-1234-5678-1234-567812345678",
        started_at=timezone.now(),
        heartbeat_at=timezone.now() - timedelta(hours=1),
    )

    take_up_lost_jobs()
    job.refresh_from_db()

    assert "Relancez" in job.error or "Run it again" in job.error
