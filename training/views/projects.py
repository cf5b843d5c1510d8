"""Projects, their tags, and the start of a training."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import UserRequest, developer_required
from jobs.display import shown
from training.backends.base import TrainingOptions
from training.examples import LEAST_IMAGES, shipped_counts
from training.exceptions import NothingChanged
from training.forms import ENGINES, ProjectForm, TagNameForm, TagsForm, UploadForm
from training.models import Contradiction, Image, ImageTag, Project, Tag
from training.services import learning
from training.services import projects as project_services
from training.vectors import newer_backbone
from training.views.answers import TROUBLE, form_sentence, project_or_404, trouble_sentence, wants_json

logger = logging.getLogger(__name__)

ITERATIONS_SHOWN = 5
CONTRADICTIONS_SHOWN = 20
REFUSED_UPLOADS = "refused_uploads"
"""Key of the session: what the last upload without JavaScript refused, until it is shown."""


@dataclass(frozen=True)
class TagCard:
    """A tag with what its card says."""

    tag: Tag
    count: int
    shipped: int
    """Examples that come with the backbone."""
    missing: int
    """Images that it needs before one can train."""


@developer_required
@never_cache
@require_safe
def projects(request: UserRequest) -> HttpResponse:
    """List the projects."""
    known = Project.objects.select_related("live_iteration").order_by("name")
    listed = known.annotate(tag_count=_counted(Tag.objects.all()), image_count=_counted(Image.objects.all()))
    rows = [(project, engine_name(project)) for project in listed]
    return render(request, "training/projects.html", {"rows": rows})


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest) -> HttpResponseBase:
    """Make a project."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = project_services.create_project(**form.cleaned_data)
        except TROUBLE as exc:
            form.add_error(None, trouble_sentence(exc))
        else:
            messages.success(request, _("The project is there. Give it tags, then images."))
            return redirect("training:project", pk=project.pk)
    return render(request, "training/project_new.html", {"form": form})


@developer_required
@never_cache
@require_safe
def project(request: UserRequest, pk: int) -> HttpResponse:
    """Show a project: its tags, where images are dropped, and its training."""
    project = project_or_404(pk)
    return _page(request, project, TagsForm(project=project))


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, pk: int) -> HttpResponseBase:
    """Say what a project takes along; once that is confirmed, delete it."""
    project = project_or_404(pk)
    if request.method != "POST":
        context = {"project": project, "facts": _image_facts(project), "iterations": project.iterations.count()}
        return render(request, "training/project_delete.html", context)
    try:
        project_services.delete_project(project, by=request.user)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect("training:project", pk=pk)
    messages.success(request, _("The project %(name)s is deleted.") % {"name": project.name})
    return redirect("training:projects")


@developer_required
@never_cache
@require_POST
def create_tags(request: UserRequest, pk: int) -> HttpResponseBase:
    """Make tags; to our script answer with the keys of all that were named."""
    project = project_or_404(pk)
    form = TagsForm(request.POST, project=project)
    made: Sequence[Tag] = []
    there: Sequence[Tag] = []
    if form.is_valid():
        try:
            made, there = project_services.create_tags(
                project=project, names=form.cleaned_data["names"], type=form.type
            )
        except TROUBLE as exc:
            form.add_error(None, trouble_sentence(exc))
    if wants_json(request):
        return _tags_as_json(form, [*made, *there])
    if form.errors:
        return _page(request, project, form)
    _say_made(request, made, there)
    return redirect("training:project", pk=pk)


@developer_required
@never_cache
@require_POST
def rename_tag(request: UserRequest, pk: int, tag: int) -> HttpResponseBase:
    """Give a tag another name."""
    row = get_object_or_404(Tag.objects.select_related("project"), pk=tag, project=pk)
    form = TagNameForm(request.POST, tag=row)
    if not form.is_valid():
        messages.error(request, form_sentence(form))
        return redirect("training:project", pk=pk)
    try:
        project_services.rename_tag(row, name=form.cleaned_data["name"])
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        messages.success(request, _("The tag is called %(name)s now.") % {"name": row.name})
    return redirect("training:project", pk=pk)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete_tag(request: UserRequest, pk: int, tag: int) -> HttpResponseBase:
    """Say how many images lose the tag; once that is confirmed, delete it."""
    row = get_object_or_404(Tag.objects.with_image_counts().select_related("project"), pk=tag, project=pk)
    if request.method != "POST":
        context = {"project": row.project, "tag": row, "shipped": shipped_counts(row.project).get(row.pk, 0)}
        return render(request, "training/tag_delete.html", context)
    try:
        project_services.delete_tag(row)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        messages.success(request, _("The tag %(name)s is deleted.") % {"name": row.name})
    return redirect("training:project", pk=pk)


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
    """Show the training alone, for the page that polls while it lasts."""
    if not request.htmx:
        return redirect(reverse("training:project", args=[pk]) + "#training")
    return render(request, "training/_train.html", _training_context(project_or_404(pk)))


def engine_name(project: Project) -> str:
    return str(ENGINES.get(project.backend, project.backend))


def _page(request: UserRequest, project: Project, tags_form: TagsForm) -> HttpResponse:
    unsettled = Contradiction.objects.unsettled().filter(image__project=project).order_by("pk")
    first = unsettled.select_related("image__picture", "tag").prefetch_related("image__tags")[:CONTRADICTIONS_SHOWN]
    context = _training_context(project)
    cards = _tag_cards(project, shipped=context["shipped"])
    context |= {
        "contradictions": (contradictions := list(first)),
        "contradiction_count": unsettled.count() if contradictions else 0,
        "tags_form": tags_form,
        "upload_form": UploadForm(project=project),
        "cards": cards,
        "largest": max((card.count for card in cards), default=0) or 1,
        "engine": engine_name(project),
        "refused": request.session.pop(REFUSED_UPLOADS, []) if request.method == "GET" else [],
        "is_unchanged": "unchanged" in request.GET,
        "least_images": LEAST_IMAGES,
    }
    return render(request, "training/project.html", context)


def _training_context(project: Project) -> dict[str, Any]:
    """Return what `_train.html` shows."""
    in_training = project.iterations.in_training().select_related("job").first()
    shipped = shipped_counts(project)
    return {
        "project": project,
        "in_training": in_training,
        "row": shown(in_training.job) if in_training and in_training.job else None,
        "iterations": project.iterations.all()[:ITERATIONS_SHOWN],
        "facts": _image_facts(project),
        "shipped": shipped,
        "shipped_count": sum(shipped.values()),
        "newer_backbone": newer_backbone(project.live_iteration) if project.live_iteration else None,
    }


def _image_facts(project: Project) -> dict[str, int]:
    """Count the images: all, those in quarantine, without a tag, and uploaded since the last training, if any was."""
    last = project.iterations.completed().first()
    is_new = Q(created_at__gt=last.created_at) if last else Q(pk=F("pk"))
    facts: dict[str, int] = project.images.aggregate(
        images=Count("pk"),
        quarantined=Count("pk", filter=~Q(quarantine="")),
        new=Count("pk", filter=is_new),
    )
    return facts | {"untagged": project.images.untagged().count(), "is_trained": last is not None}


def _tag_cards(project: Project, *, shipped: Mapping[int, int]) -> list[TagCard]:
    counted = ImageTag.objects.filter(tag__project=project).values("tag").annotate(images=Count("pk"))
    counts: Counter[int] = Counter(dict(counted.values_list("tag", "images")))
    cards = []
    for tag in project.tags.all():
        count, along = counts[tag.pk], shipped.get(tag.pk, 0)
        cards.append(TagCard(tag, count, along, max(LEAST_IMAGES - count - along - tag.images_elsewhere, 0)))
    return cards


def _counted(rows: QuerySet[Any]) -> Coalesce:
    """Return how many of these rows the project has, as a column."""
    counts = rows.filter(project=OuterRef("pk")).order_by().values("project").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


def _tags_as_json(form: TagsForm, tags: Sequence[Tag]) -> JsonResponse:
    if form.errors:
        return JsonResponse({"error": form_sentence(form)}, status=400)
    return JsonResponse({"tags": [{"id": tag.pk, "name": tag.name} for tag in tags]})


def _say_made(request: UserRequest, made: Sequence[Tag], there: Sequence[Tag]) -> None:
    if made:
        said = ngettext("%(count)s tag made.", "%(count)s tags made.", len(made))
        messages.success(request, said % {"count": len(made)})
    if there:
        names = ", ".join(tag.name for tag in there)
        messages.info(request, _("There already: %(names)s.") % {"names": names})
