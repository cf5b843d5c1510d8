"""Who may use a project, and whether it is offered first."""

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import UserRequest, developer_required, next_url
from accounts.services import share
from training.forms import AccessForm
from training.services.projects import set_default
from training.views.answers import project_or_404


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: UserRequest, pk: int) -> HttpResponseBase:
    """Say who may use the project, and set it."""
    project = project_or_404(pk)
    form = AccessForm(request.POST if request.method == "POST" else None, project=project)
    if not form.is_valid():
        return render(request, "training/access.html", {"project": project, "access_form": form})
    chosen = form.cleaned_data
    share(project, is_open=chosen["is_open"], users=form.people, groups=chosen["groups"])
    set_default(project, is_default=chosen["is_default"])
    messages.success(request, _("Saved."))
    return redirect(next_url(request, reverse("training:access", args=[pk])))
