"""Photos that came under two tags: one of them is chosen."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, developer_required
from training.models import Contradiction, Project
from training.services.contradictions import settle_contradiction
from training.views.answers import TROUBLE, trouble_sentence

SHOWN = 20


@developer_required
@never_cache
@require_POST
def settle(request: UserRequest, pk: int, contradiction: int) -> HttpResponseBase:
    """Let the image keep its tag, or give it the other one."""
    known = Contradiction.objects.select_related("image__project", "tag")
    row = get_object_or_404(known, pk=contradiction, image__project=pk)
    try:
        settle_contradiction(row, gets_tag="change" in request.POST)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        messages.success(request, _("Decided: %(name)s.") % {"name": ", ".join(t.name for t in row.image.tags.all())})
    return redirect(reverse("training:images", args=[pk]) + "#contradictions")


def contradictions_context(project: Project) -> dict[str, Any]:
    """Return what `_contradictions.html` shows: the first ones, and how many there are."""
    unsettled = Contradiction.objects.unsettled().filter(image__project=project).order_by("pk")
    first = list(unsettled.select_related("image__picture", "tag").prefetch_related("image__tags")[:SHOWN])
    return {"contradictions": first, "contradiction_count": unsettled.count() if first else 0}
