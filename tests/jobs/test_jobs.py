"""Jobs: done once, seen while they run, cancelled in time, taken up when their process dies."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from jobs import progress, services, tasks
from jobs.models import Job
from tests import factories
from tests.jobs import work
from web.registry import NotRegistered

pytestmark = pytest.mark.django_db(transaction=True)


def make(kind: str = "count", **fields: Any) -> Job:
    arguments = fields.pop("arguments", {"to": 3} if kind == "count" else {})
    return services.make_job(kind, title=f"Test of {kind}", arguments=arguments, **fields)


def run_worker() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, verbosity=0)


def wait_until(is_true: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_worker_does_a_queued_job() -> None:
    job = services.queue_job("count", title="Count", arguments={"to": 3})

    run_worker()

    assert state(job) == Job.State.DONE
    assert (job.result, job.done, job.total) == ({"counted": 3}, 3, 3)


def test_job_is_seen_only_when_the_transaction_is_committed() -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(DBTaskResult.objects.count())
        connection.close()

    with transaction.atomic():
        services.queue_job("count", title="Count", arguments={"to": 3})
        run_thread(look)
    run_thread(look)

    assert seen == [0, 1]


def run_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def test_job_whose_worker_cannot_be_woken_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(job: Job) -> None:
        raise OperationalError

    monkeypatch.setattr(services, "enqueue", refuse)

    with pytest.raises(OperationalError):
        services.queue_job("count", title="Count", arguments={"to": 3})

    assert not Job.objects.exists()


def test_nothing_wakes_for_a_job_that_is_not_made() -> None:
    with transaction.atomic():
        services.queue_job("count", title="Count", arguments={"to": 3})
        transaction.set_rollback(True)

    assert not DBTaskResult.objects.exists()


def test_known_failure_gives_its_sentence() -> None:
    assert services.do_here(make("refuse")).error == "There is nothing to count."


def test_bug_is_logged_and_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    job = services.do_here(make("break"))

    assert job.state == Job.State.FAILED
    assert "ZeroDivisionError" in job.error
    assert "Traceback" in caplog.text


def test_job_of_a_kind_that_is_gone_fails(settings: Settings) -> None:
    job = make()
    settings.CLASSIFR_JOBS = {}

    assert services.do_here(job).state == Job.State.FAILED


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(NotRegistered, match="count"):
        make("cook")


def test_two_processes_never_do_one_job_twice() -> None:
    job = make()
    claims = []

    def claim() -> None:
        claims.append(Job.objects.claim(job.pk, now=timezone.now()))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(claimed is not None for claimed in claims) == 1


def test_progress_is_seen_while_it_runs() -> None:
    job = make(arguments={"to": 100, "pause_s": 0.05})
    thread = threading.Thread(target=do_and_close, args=[job])
    thread.start()

    wait_until(lambda: Job.objects.get(pk=job.pk).done > 0)
    seen = Job.objects.get(pk=job.pk)

    assert (seen.state, seen.total, seen.message) == (Job.State.RUNNING, 100, "Counting")
    assert seen.per_second() is not None
    assert seen.time_left() is not None
    services.cancel_job(job)
    thread.join()


def do_and_close(job: Job) -> None:
    services.do_here(job)
    connection.close()


def test_cancelled_job_stops_within_seconds() -> None:
    job = make(arguments={"to": 10_000, "pause_s": 0.05})
    thread = threading.Thread(target=do_and_close, args=[job])
    thread.start()
    wait_until(lambda: state(job) == Job.State.RUNNING)

    services.cancel_job(job)
    thread.join(5)

    assert not thread.is_alive()
    assert state(job) == Job.State.CANCELLED


def test_cancelled_job_that_waits_is_never_begun() -> None:
    job = make()
    services.enqueue(job)

    services.cancel_job(job)
    run_worker()

    assert (state(job), job.attempts) == (Job.State.CANCELLED, 0)


def test_job_of_a_dead_process_is_taken_up_again() -> None:
    job = make()
    Job.objects.claim(job.pk, now=timezone.now() - timedelta(minutes=5))

    assert services.take_up_lost_jobs() == 1
    run_worker()

    assert (state(job), job.attempts) == (Job.State.DONE, 2)


def test_job_that_kills_its_workers_fails_in_the_end() -> None:
    job = make()
    for _ in range(services.MAX_ATTEMPTS):
        Job.objects.claim(job.pk, now=timezone.now() - timedelta(minutes=5))
        services.take_up_lost_jobs()

    assert state(job) == Job.State.FAILED
    assert str(services.MAX_ATTEMPTS) in job.error


def test_job_that_only_its_command_can_do_fails_with_the_command() -> None:
    job = make(can_resume=False)
    Job.objects.claim(job.pk, now=timezone.now() - timedelta(minutes=5))

    services.take_up_lost_jobs()

    assert state(job) == Job.State.FAILED


def test_job_whose_heart_beats_is_left_alone() -> None:
    job = make()
    Job.objects.claim(job.pk, now=timezone.now())

    assert services.take_up_lost_jobs() == 0


def test_heartbeat_that_lies_ahead_counts_as_now(settings: Settings) -> None:
    job = make()
    Job.objects.claim(job.pk, now=timezone.now() + timedelta(days=400))

    assert services.take_up_lost_jobs() == 0
    settings.CLASSIFR_JOB_LOST_SECONDS = 0
    assert services.take_up_lost_jobs() == 1


def test_job_that_was_queued_at_a_time_to_come_is_not_forgotten() -> None:
    job = make()
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() + timedelta(days=400))

    services.take_up_lost_jobs()

    job.refresh_from_db()
    assert job.queued_at <= timezone.now()


def test_job_that_the_queue_lost_is_queued_again() -> None:
    job = make()
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(hours=1))

    services.take_up_lost_jobs()
    run_worker()

    assert state(job) == Job.State.DONE


def test_process_that_was_given_up_does_not_end_the_job_of_its_successor() -> None:
    job = make(arguments={"to": 10_000, "pause_s": 0.02})
    thread = threading.Thread(target=do_and_close, args=[job])
    thread.start()
    wait_until(lambda: state(job) == Job.State.RUNNING)

    Job.objects.filter(pk=job.pk).update(run=uuid4())
    thread.join(5)

    assert not thread.is_alive()
    assert state(job) == Job.State.RUNNING


def test_job_goes_back_to_the_queue_when_its_worker_goes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    for module in (progress, services):
        monkeypatch.setattr(module, "worker_is_stopping", stopping)
    stopping.set()
    job = make()

    services.do_here(job)
    stopping.clear()
    assert state(job) == Job.State.QUEUED
    run_worker()

    assert state(job) == Job.State.DONE


def test_going_down_politely_is_no_death(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    for module in (progress, services):
        monkeypatch.setattr(module, "worker_is_stopping", stopping)
    stopping.set()
    job = make()

    for _ in range(services.MAX_ATTEMPTS + 1):
        services.do_here(job)

    assert (state(job), job.attempts) == (Job.State.QUEUED, 0)


def test_lost_job_is_cancelled_without_a_worker() -> None:
    job = make()
    Job.objects.claim(job.pk, now=timezone.now() - timedelta(minutes=5))

    services.cancel_job(job)

    assert state(job) == Job.State.CANCELLED


def test_hook_runs_once_when_the_last_of_a_group_has_ended() -> None:
    first, second = make(key="a"), make("refuse", key="a")
    services.do_here(first)
    assert work.ended == []

    services.do_here(second)

    assert work.ended == ["a failed"]


def test_hook_runs_once_though_the_last_two_end_together() -> None:
    group = [make(key="b") for _ in range(6)]
    threads = [threading.Thread(target=do_and_close, args=[job]) for job in group]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert work.ended == ["b done"]


def test_hook_runs_after_a_cancellation_too() -> None:
    services.cancel_job(make(key="c"))

    assert work.ended == ["c cancelled"]


@pytest.mark.parametrize(
    "fields", [{"state": "running"}, {"state": "done"}, {"state": "failed", "finished_at": timezone.now()}]
)
def test_database_refuses_a_job_that_contradicts_itself(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        Job.objects.filter(pk=make().pk).update(**fields)


def test_ended_jobs_are_forgotten_after_a_month() -> None:
    old, new, waiting = (make() for _ in range(3))
    for job, days in ((old, 31), (new, 29)):
        services.do_here(job)
        Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days))

    tasks.prune_results.call()

    assert set(Job.objects.all()) == {new, waiting}


def test_command_lists_and_cancels(capsys: pytest.CaptureFixture[str]) -> None:
    job = make(by=factories.make_developer())

    call_command("jobs")
    call_command("jobs", cancel=job.pk)

    assert "Test of count" in capsys.readouterr().out
    assert state(job) == Job.State.CANCELLED
