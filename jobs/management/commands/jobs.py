"""`manage.py jobs`."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation

from jobs.models import Job
from jobs.services import cancel_job


class Command(BaseCommand):
    help = "List the background jobs, the newest first, or cancel one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", dest="show_all", help="Also those that have ended.")
        parser.add_argument("--limit", type=_positive, default=50, help="(default: %(default)s)")
        parser.add_argument("--cancel", type=int, metavar="ID")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON, for programs.")

    def handle(self, *, show_all: bool, limit: int, cancel: int | None, as_json: bool, **options: Any) -> None:
        if cancel is not None:
            self.cancel(cancel, as_json=as_json)
            return
        jobs = Job.objects.newest_first() if show_all else Job.objects.unfinished().newest_first()
        with translation.override("en"):
            records = [_record(job) for job in jobs[:limit]]
        if as_json:
            self.stdout.write(json.dumps(records, ensure_ascii=False, cls=DjangoJSONEncoder))
            return
        for job in records:
            self.stdout.write(_line(job))

    def cancel(self, pk: int, *, as_json: bool) -> None:
        job = Job.objects.filter(pk=pk).first()
        if job is None or job.is_finished:
            raise CommandError(f"There is no unfinished job {pk}.", returncode=2)
        cancel_job(job)
        self.stdout.write(json.dumps({"asked_to_stop": pk}) if as_json else f"Job {pk} is asked to stop.")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _record(job: Job) -> dict[str, Any]:
    left = job.time_left()
    return {
        "id": job.pk,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "per_second": job.per_second(),
        "seconds_left": left.total_seconds() if left else None,
        "message": job.message,
        "attempts": job.attempts,
        "user": job.user.username if job.user else None,
        "queued_at": job.queued_at,
        "finished_at": job.finished_at,
        "error": job.error,
    }


def _line(job: dict[str, Any]) -> str:
    done = f"{job['done']}/{job['total']}" if job["total"] else ""
    rate = f"{job['per_second']:.1f}/s" if job["per_second"] else ""
    left = f"{job['seconds_left']:.0f} s left" if job["seconds_left"] else ""
    rest = "  ".join(filter(None, [job["message"], done, rate, left, job["error"]]))
    return f"{job['id']:6}  {job['state']:9}  {job['title']}  {rest}".rstrip()
