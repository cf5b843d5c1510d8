"""The list of projects, and a new one."""

import logging
from typing import Any

from django.contrib import messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import UserRequest, developer_required
from training.forms import ENGINES, ProjectForm
from training.models import Image, Project, Tag
from training.services import projects as project_services
from training.views.answers import TROUBLE, trouble_sentence

logger = logging.getLogger(__name__)


@developer_required
@never_cache
@require_safe
def projects(request: UserRequest) -> HttpResponse:
    """List the projects, and apart from them those that are archived."""
    known = Project.objects.select_related("live_iteration").order_by("name")
    listed = known.annotate(tag_count=_counted(Tag.objects.all()), image_count=_counted(Image.objects.all()))
    rows = [(project, engine_name(project)) for project in listed]
    context = {
        "rows": [row for row in rows if row[0].archived_at is None],
        "archived": [project for project, _engine in rows if project.archived_at is not None],
    }
    return render(request, "training/projects.html", context)


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


def engine_name(project: Project) -> str:
    return str(ENGINES.get(project.backend, project.backend))


def _counted(rows: QuerySet[Any]) -> Coalesce:
    """Return how many of these rows the project has, as a column."""
    counts = rows.filter(project=OuterRef("pk")).order_by().values("project").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)
