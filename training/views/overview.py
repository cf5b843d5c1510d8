"""A project at a glance: what is live, how good it is, what waits, and the next step, which often is a training."""

from enum import StrEnum
from typing import Any

from django.contrib import messages
from django.db.models import Count, F, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, developer_required
from jobs.display import shown
from jobs.models import Job
from training import examples
from training.backends.base import TrainingOptions
from training.examples import shipped_counts
from training.exceptions import NothingChanged, Refused
from training.models import Contradiction, Iteration, Project
from training.services import learning
from training.vectors import newer_backbone
from training.views.answers import TROUBLE, project_or_404, trouble_sentence
from training.views.projects import engine_name
from training.views.tags import tag_cards
from training.views.uploads import upload_context


class Step(StrEnum):
    """What a developer is best advised to do next."""

    UPLOAD = "upload"
    COMPLETE = "complete"
    """Give tags the images that they lack."""
    TRAIN = "train"
    PUBLISH = "publish"
    USE = "use"


@developer_required
@never_cache
@require_safe
def project(request: UserRequest, pk: int) -> HttpResponse:
    """Show the project at a glance."""
    project = project_or_404(pk)
    context = overview_context(project) | {"is_unchanged": "unchanged" in request.GET}
    if context["step"] == Step.UPLOAD:
        context |= upload_context(request, project)
    return render(request, "training/project.html", context)


@developer_required
@never_cache
@require_POST
def train(request: UserRequest, pk: int) -> HttpResponseBase:
    """Queue a training; where it would give nothing new, offer to train anyway."""
    project = project_or_404(pk)
    url = reverse("training:project", args=[pk])
    try:
        options = TrainingOptions(force="force" in request.POST)
        iteration = learning.start_training(project=project, options=options, by=request.user)
    except NothingChanged:
        return redirect(f"{url}?unchanged=1#training")
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect(url)
    messages.success(request, _("%(name)s is queued: its progress is shown below.") % {"name": iteration.name})
    return redirect(f"{url}#training")


@developer_required
@never_cache
@require_safe
def training(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show what a training changes alone, for the page that polls while it lasts."""
    if not request.htmx:
        return redirect(reverse("training:project", args=[pk]) + "#training")
    return render(request, "training/_overview.html", overview_context(project_or_404(pk)))


def overview_context(project: Project) -> dict[str, Any]:
    """Return what `_overview.html` shows."""
    in_training = project.iterations.in_training().select_related("job").first()
    newest = project.iterations.completed().first()
    facts = image_facts(project, newest)
    shipped = shipped_counts(project)
    why_not = _why_not_to_train(project)
    job = in_training.job if in_training else None
    is_queued = job is not None and job.state == Job.State.QUEUED
    return {
        "project": project,
        "tab": "overview",
        "is_queued": is_queued,
        "jobs_before": Job.objects.unfinished().filter(pk__lt=job.pk).count() if job and is_queued else 0,
        "in_training": in_training,
        "row": shown(job) if job else None,
        "newest": newest,
        "corrections": project.images.new_corrections().count(),
        "last": project.iterations.first(),
        "facts": facts,
        "short_count": sum(1 for card in tag_cards(project, shipped=shipped) if card.missing),
        "contradiction_count": Contradiction.objects.unsettled().filter(image__project=project).count(),
        "shipped": shipped,
        "shipped_count": sum(shipped.values()),
        "newer_backbone": newer_backbone(project.live_iteration) if project.live_iteration else None,
        "why_not": why_not,
        "step": _next_step(project, newest, facts, can_train=not why_not),
        "engine": engine_name(project),
    }


def image_facts(project: Project, last: Iteration | None) -> dict[str, int]:
    """Count the images: all, those in quarantine, without a tag, and uploaded since the last training, if any was."""
    is_new = Q(created_at__gt=last.created_at) if last else Q(pk=F("pk"))
    facts: dict[str, int] = project.images.aggregate(
        images=Count("pk"),
        quarantined=Count("pk", filter=~Q(quarantine="")),
        new=Count("pk", filter=is_new),
    )
    return facts | {"untagged": project.images.untagged().count(), "is_trained": last is not None}


def _why_not_to_train(project: Project) -> str:
    """Return what a training would be refused for; empty where it would not."""
    try:
        examples.check(project)
    except Refused as exc:
        return trouble_sentence(exc)
    return ""


def _next_step(project: Project, newest: Iteration | None, facts: dict[str, int], *, can_train: bool) -> Step:
    live = project.live_iteration
    if can_train and facts["new"]:
        return Step.TRAIN
    if newest and (live is None or newest.number > live.number):
        return Step.PUBLISH
    if live:
        return Step.USE
    if not facts["images"]:
        return Step.UPLOAD
    return Step.TRAIN if can_train else Step.COMPLETE
