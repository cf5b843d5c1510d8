"""The keys of programs, for the people who hand them out."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import UserRequest, developer_required
from accounts.keys import create_key, revoke_key
from accounts.models import ApiKey
from customvision.forms import KeyForm
from training.models import Project
from web.paging import page_by_key

PAGE_SIZE = 50


@dataclass(frozen=True)
class Row:
    """A key, and the project that it is for."""

    key: ApiKey
    project_name: str | None
    """None: all of them, or one that is gone."""


@developer_required
@never_cache
@require_safe
def keys(request: UserRequest) -> HttpResponse:
    """List the keys, newest first, a page at a time by key."""
    page = page_by_key(request, ApiKey.objects.select_related("owner"), size=PAGE_SIZE)
    uids = [key.project_uid for key in page.rows if key.project_uid]
    names: dict[UUID | None, str] = dict(Project.objects.filter(uid__in=uids).values_list("uid", "name"))
    rows = [Row(key, names.get(key.project_uid)) for key in page.rows]
    context = {"rows": rows, "page": page}
    return render(request, "customvision/keys.html", context)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest) -> HttpResponse:
    """Make a key, and show its text in the answer to the form: it is kept nowhere, and never shown again."""
    form = KeyForm(request.POST or None)
    if not form.is_valid():
        return render(request, "customvision/key_new.html", {"form": form})
    project = form.cleaned_data["project"]
    key, text = create_key(
        name=form.cleaned_data["name"],
        scope=form.cleaned_data["scope"],
        by=request.user,
        project_uid=project and project.uid,
        expires_at=form.expires_at,
    )
    return render(request, "customvision/key_made.html", {"key": key, "text": text, "project": project})


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: UserRequest, pk: int) -> HttpResponseBase:
    """Ask whether the key is to stop working; once that is confirmed, revoke it."""
    key = get_object_or_404(ApiKey.objects.select_related("owner"), pk=pk)
    if request.method != "POST":
        return render(request, "customvision/key_revoke.html", {"key": key})
    revoke_key(key)
    messages.success(request, _("“%(name)s” is revoked: it opens nothing any more.") % {"name": key.name})
    return redirect("customvision:keys")
