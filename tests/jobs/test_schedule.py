"""Work that comes back by itself."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from classifier.models import PendingPhoto
from jobs.models import ScheduledTask
from jobs.services import queue_due_tasks
from tests import factories


@pytest.fixture(autouse=True)
def only_the_purge(settings: Settings, transactional_db: None) -> None:
    settings.CLASSIFR_SCHEDULE = {"classifier.tasks.purge_pending": 300}


def test_task_that_is_due_is_queued_once() -> None:
    assert [queue_due_tasks(), queue_due_tasks()] == [1, 0]
    assert DBTaskResult.objects.count() == 1


def test_task_is_queued_again_after_its_time() -> None:
    queue_due_tasks()
    ScheduledTask.objects.update(due_at=timezone.now() - timedelta(seconds=1))

    assert queue_due_tasks() == 1


def test_task_that_is_put_off_by_more_than_its_period_is_due_once() -> None:
    queue_due_tasks()
    ScheduledTask.objects.update(due_at=timezone.now() + timedelta(days=400))  # by a clock that went back since

    assert [queue_due_tasks(), queue_due_tasks()] == [1, 0]


def test_task_is_queued_once_by_workers_whose_clocks_differ() -> None:
    queue_due_tasks()
    ScheduledTask.objects.update(due_at=timezone.now() + timedelta(seconds=300 + 30))

    assert queue_due_tasks() == 0


def test_task_that_could_not_be_queued_is_still_due(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**fields: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(DBTaskResult.objects, "create", refuse)
        with pytest.raises(OperationalError):
            queue_due_tasks()

    assert queue_due_tasks() == 1


def test_worker_erases_expired_photos() -> None:
    PendingPhoto.objects.create(
        prediction=factories.make_prediction(), content=b"photo", expires_at=timezone.now() - timedelta(seconds=1)
    )
    queue_due_tasks()

    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, verbosity=0)

    assert not PendingPhoto.objects.exists()
