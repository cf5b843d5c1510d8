"""The tray of jobs on every developer's page, and the page of all jobs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts.access import UserRequest, developer_required, next_url
from jobs.models import Job
from jobs.services import cancel_job

PAGE_SIZE = 30
MOST_IN_TRAY = 30
RECENT = timedelta(hours=1)
CHANGED = "jobs-changed"
"""The event in the browser after which everything that shows jobs looks again."""


@dataclass(frozen=True)
class ShownJob:
    """A job with what its row says of its pace, in the reader's words."""

    job: Job
    rate: str
    """Such as "12.5"; empty where there is none."""
    time_left: str
    """Such as "3 min"; empty where nobody knows."""

    @property
    def is_stopping(self) -> bool:
        return self.job.cancel_requested and not self.job.is_finished


def shown(job: Job, *, now: datetime | None = None) -> ShownJob:
    """Return the job with its pace; also for other rooms' fragments, as jobs/_progress.html wants it."""
    rate = job.per_second(now=now) if job.state == Job.State.RUNNING else None
    left = job.time_left(now=now) if job.state == Job.State.RUNNING else None
    return ShownJob(
        job=job,
        rate=number_format(round(rate, 1), decimal_pos=1) if rate else "",
        time_left=_duration(left) if left else "",
    )


@developer_required
@never_cache
@require_safe
def tray(request: UserRequest) -> HttpResponse:
    """Show what is under way and what of one's own has ended lately: polled, and asked for once by every page.

    With `since`, a Unix time in milliseconds, also say to screen readers what has ended after it.
    """
    now = timezone.now()
    lately = Q(user=request.user, finished_at__gt=now - RECENT)
    found = Job.objects.visible_to(request.user).filter(Q(state__in=Job.UNFINISHED) | lately).newest_first()
    rows = [shown(job, now=now) for job in found[:MOST_IN_TRAY]]
    context = {
        "unfinished": [row for row in rows if not row.job.is_finished],
        "ended": [row for row in rows if row.job.is_finished],
        "news": [row.job for row in rows if _ended_after(row.job, request.GET.get("since", ""))],
        "is_first": "since" not in request.GET,
        "now": int(1000 * now.timestamp()),
    }
    return render(request, "jobs/_tray.html" if request.htmx else "jobs/tray.html", context)


@developer_required
@never_cache
@require_safe
def jobs(request: UserRequest) -> HttpResponse:
    """List all jobs, newest first, a page at a time by key."""
    found = Job.objects.visible_to(request.user).newest_first().select_related("user")
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(pk__lt=min(int(before), 2**63 - 1))
    now = timezone.now()
    page = [shown(job, now=now) for job in found[: PAGE_SIZE + 1]]
    has_more = len(page) > PAGE_SIZE
    page = page[:PAGE_SIZE]
    context = {
        "page": page,
        "is_moving": any(not row.job.is_finished for row in page),
        "first_url": reverse("jobs:jobs") if before else "",
        "next_url": f"?before={page[-1].job.pk}" if has_more else "",
    }
    return render(request, "jobs/jobs.html", context)


@developer_required
@require_POST
def cancel(request: UserRequest, pk: int) -> HttpResponseBase:
    """Ask a job to stop."""
    job = get_object_or_404(Job.objects.visible_to(request.user), pk=pk)
    if not job.is_finished:
        cancel_job(job)
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), CHANGED)
    if job.is_finished:
        messages.warning(request, _("This job had ended already."))
    else:
        messages.info(request, _("“%(title)s” is asked to stop.") % {"title": job.title})
    return redirect(next_url(request, reverse("jobs:jobs")))


def _ended_after(job: Job, since: str) -> bool:
    if not (since.isdecimal() and len(since) < 15 and job.finished_at):
        return False
    return 1000 * job.finished_at.timestamp() > int(since)


def _duration(left: timedelta) -> str:
    """Write how long it takes, as roughly as anybody knows: 40 s, 3 min, 2 h."""
    seconds = left.total_seconds()
    if seconds < 90:
        return _("%(count)s s") % {"count": round(seconds)}
    if seconds < 90 * 60:
        return _("%(count)s min") % {"count": round(seconds / 60)}
    return _("%(count)s h") % {"count": round(seconds / 3600)}
