"""The settings of a project, and its end: archived, brought back, deleted."""

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import UserRequest, developer_required
from training.forms import ProjectSettingsForm
from training.owners import all_owners
from training.services import projects as project_services
from training.views.answers import TROUBLE, project_or_404, trouble_sentence
from training.views.overview import image_facts
from training.views.projects import engine_name


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show what can be changed of the project, and change it."""
    project = project_or_404(pk)
    form = ProjectSettingsForm(request.POST or None, instance=project_or_404(pk))
    if request.method == "POST" and form.is_valid():
        try:
            project_services.change_project(project, **form.cleaned_data)
        except TROUBLE as exc:
            form.add_error(None, trouble_sentence(exc))
        else:
            messages.success(request, _("The settings are saved."))
            return redirect("training:settings", pk=pk)
    context = {"project": project, "tab": "settings", "form": form, "engine": engine_name(project)}
    return render(request, "training/settings.html", context)


@developer_required
@never_cache
@require_POST
def archive(request: UserRequest, pk: int) -> HttpResponseBase:
    """Archive the project, or bring it back."""
    project = project_or_404(pk)
    if "bring_back" in request.POST:
        project_services.unarchive_project(project)
        messages.success(request, _("%(name)s is back among the projects.") % {"name": project.name})
    else:
        project_services.archive_project(project)
        messages.success(request, _("%(name)s is archived.") % {"name": project.name})
    return redirect("training:settings", pk=pk)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, pk: int) -> HttpResponseBase:
    """Say what a project takes along; once that is confirmed, delete it."""
    project = project_or_404(pk)
    if request.method != "POST":
        facts = image_facts(project, project.iterations.completed().first())
        owned = [(owner.noun, count) for owner in all_owners() if (count := owner.count(project))]
        context = {"project": project, "facts": facts, "iterations": project.iterations.count(), "owned": owned}
        return render(request, "training/project_delete.html", context)
    try:
        project_services.delete_project(project, by=request.user)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect("training:settings", pk=pk)
    messages.success(request, _("The project %(name)s is deleted.") % {"name": project.name})
    return redirect("training:projects")
