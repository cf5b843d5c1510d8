"""What to change in a program that speaks to Custom Vision, so that it speaks to this server."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import UserRequest, developer_required
from customvision.examples import Target, examples
from customvision.forms import ConnectForm
from customvision.keys import PredictionKey, TrainingKey
from training.models import Iteration, Project


@developer_required
@never_cache
@require_safe
def connect(request: UserRequest) -> HttpResponse:
    """Show address, ids and examples for a project."""
    form = ConnectForm(request.GET if "project" in request.GET else None, initial={"project": _usual()})
    project = (form.cleaned_data["project"] if form.is_valid() else None) or _usual()
    published = _published(project)
    target = Target(
        endpoint=request.build_absolute_uri(get_script_prefix()),
        project_id=str(project.uid) if project else "PROJECT_ID",
        publish_name=published.publish_name if published else "live",
    )
    context = {
        "form": form,
        "project": project,
        "published": published,
        "target": target,
        "examples": examples(target),
        "origins": ", ".join(settings.CLASSIFR_CORS_ORIGINS),
        "training_key": TrainingKey.param_name,
        "prediction_key": PredictionKey.param_name,
    }
    return render(request, "customvision/connect.html", context)


def _usual() -> Project | None:
    """Return the project that the home page offers first, or any other."""
    return Project.objects.active().default_first().first()


def _published(project: Project | None) -> Iteration | None:
    """Return the iteration that answers, by the newest of its names."""
    if project is None:
        return None
    return project.iterations.published().order_by("-number").first()
