"""kill -9 in the middle of an upload and of a training: taken up, nothing doubled, nothing lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from catalog.models import Picture, Vector
from catalog.storage import stored_blobs
from jobs.models import Job
from jobs.services import take_up_lost_jobs
from tests import factories
from training.backends.base import TrainingOptions
from training.models import Iteration, Project
from training.services.learning import start_training
from training.services.pictures import upload_images
from training.services.projects import create_project, create_tags
from training.uploads import ImageUpload

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent
COUNT = 150


@pytest.fixture
def spawn(blobs: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
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

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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


def make_trainable(project: Project) -> None:
    tags, _ = create_tags(project=project, names=["red", "blue"])
    for start in range(0, COUNT, 50):
        batch = [
            ImageUpload(f"{number}.jpg", factories.make_photo(), (tags[number % 2],))
            for number in range(start, start + 50)
        ]
        upload_images(project=project, batch=batch, by=None)


def test_training_goes_on_in_another_worker(spawn: Callable[..., subprocess.Popen[bytes]]) -> None:
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


def test_upload_goes_on_when_it_is_run_again(spawn: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
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
        title="Upload",
        can_resume=False,
        state=Job.State.RUNNING,
        run="12345678-1234-5678-1234-567812345678",
        started_at=timezone.now(),
        heartbeat_at=timezone.now() - timedelta(hours=1),
    )

    take_up_lost_jobs()
    job.refresh_from_db()

    assert "Relancez" in job.error or "Run it again" in job.error
