"""The tray of jobs on every developer's page, and the page of all jobs."""

from datetime import timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts.access import UserRequest, developer_required, next_url
from jobs.display import shown
from jobs.models import Job
from jobs.services import cancel_job
from web.paging import page_by_key

PAGE_SIZE = 30
MOST_IN_TRAY = 30
RECENT = timedelta(hours=1)
CHANGED = "jobs-changed"
"""The event in the browser after which everything that shows jobs looks again."""


@developer_required
@never_cache
@require_safe
def tray(request: UserRequest) -> HttpResponse:
    """Show what is under way and what of one's own has ended lately: polled, and asked for once by every page.

    With `since`, a Unix time in milliseconds, also say to screen readers what has ended after it.
    """
    now = timezone.now()
    lately = Q(user=request.user, finished_at__gt=now - RECENT)
    jobs = Job.objects.visible_to(request.user).filter(Q(state__in=Job.UNFINISHED) | lately).newest_first()
    rows = [shown(job, now=now) for job in jobs[:MOST_IN_TRAY]]
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
    rows = Job.objects.visible_to(request.user).select_related("user")
    page = page_by_key(request, rows, size=PAGE_SIZE)
    now = timezone.now()
    context = {
        "page": page,
        "rows": [shown(job, now=now) for job in page.rows],
        "is_moving": any(not job.is_finished for job in page.rows),
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
