"""The images of a project: a grid to search and tag in, and one image whole."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, developer_required, next_url
from engine.splitting import Part
from training.forms import CHOOSE_IMAGES, ImageFilterForm, RetagForm
from training.models import Image, ImageQuerySet, Project
from training.services.images import delete_images
from training.services.tagging import Pair, tag_images, untag_images
from training.vectors import similar_images
from training.views.answers import TROUBLE, of_image, project_or_404, trouble_sentence
from training.views.contradictions import contradictions_context
from training.views.uploads import upload_context
from web.answers import form_sentence
from web.paging import page_by_key

PAGE_SIZE = 48
SIMILAR = 8
GRID_SIZE = "grid_size"
"""Key of the session."""
GRID_SIZES = {
    "small": pgettext_lazy("pictures", "small"),
    "medium": pgettext_lazy("pictures", "medium"),
    "large": pgettext_lazy("pictures", "large"),
}
PART_NAMES = {
    Part.UNDECIDED: gettext_lazy("not decided before the next training"),
    Part.TRAINING: gettext_lazy("learned from"),
    Part.HELD_OUT: gettext_lazy("only measured on"),
    Part.LEFT_OUT: gettext_lazy("left out: nearly the same as others"),
}


@developer_required
@never_cache
@require_safe
def images(request: UserRequest, pk: int) -> HttpResponse:
    """Show the images, newest first, a page at a time by key."""
    project = project_or_404(pk)
    filters = ImageFilterForm(request.GET, project=project, tags=(tags := list(project.tags.all())))
    rows = filters.apply().select_related("picture").prefetch_related("tags")
    page = page_by_key(request, rows, size=PAGE_SIZE)
    is_filtered = any(filters.cleaned_data.values())
    context = {
        "project": project,
        "tab": "images",
        "tags": tags,
        "page": page,
        "total": project.images.count(),
        "filters": filters,
        "is_filtered": is_filtered,
        "found": rows.count() if is_filtered else 0,
        "filter_query": _filter_query(request),
        "grid_size": _grid_size(request),
        "grid_sizes": GRID_SIZES.items(),
        "held_out": Part.HELD_OUT.value,
        **contradictions_context(project),
        **upload_context(request, project),
    }
    return render(request, "training/images.html", context)


@developer_required
@never_cache
@require_safe
@of_image
def image(request: UserRequest, pk: int, image: int) -> HttpResponse:
    """Show one image whole, with the way to the next of those that the filters of the grid let through."""
    row = get_object_or_404(_whole(Image.objects.filter(project=pk)).select_related("created_by"), pk=image)
    context = {
        "project": row.project,
        "image": row,
        "part_name": PART_NAMES[Part(row.part)],
        "tags": (tags := list(row.project.tags.all())),
        "filter_query": _filter_query(request),
        "similar": similar_images(row, most=SIMILAR),
        "held_out": Part.HELD_OUT.value,
    }
    rows = ImageFilterForm(request.GET, project=row.project, tags=tags).apply()
    context["newer"] = rows.filter(pk__gt=row.pk).order_by("pk").first()
    context["older"] = rows.filter(pk__lt=row.pk).order_by("-pk").first()
    return render(request, "training/image.html", context)


@developer_required
@never_cache
@require_POST
def tag(request: UserRequest, pk: int) -> HttpResponseBase:
    """Tag the selected images, or take that tag from them."""
    project = get_object_or_404(Project, pk=pk)
    form = RetagForm(request.POST, project=project)
    back = next_url(request, reverse("training:images", args=[pk]))
    chosen = _chosen(request, project)
    if not chosen or not form.is_valid():
        messages.warning(request, form_sentence(form) if chosen else CHOOSE_IMAGES)
        return redirect(back)
    tag = form.cleaned_data["tag"]
    pairs = [Pair(image, each) for image in chosen for each in ([tag] if tag else image.tags.all())]
    try:
        if form.cleaned_data["untag"]:
            tagging = untag_images(project, pairs)
        else:
            tagging = tag_images(project, pairs, replace=True)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect(back)
    count = len(tagging.changed)
    said = ngettext("%(count)s image changed.", "%(count)s images changed.", count)
    messages.success(request, said % {"count": count})
    return redirect(back)


@developer_required
@never_cache
@require_POST
def delete(request: UserRequest, pk: int) -> HttpResponseBase:
    """Ask whether the selected ones are to go; once that is confirmed, delete them."""
    project = get_object_or_404(Project, pk=pk)
    chosen = _chosen(request, project)
    back = next_url(request, reverse("training:images", args=[pk]))
    if not chosen:
        messages.warning(request, CHOOSE_IMAGES)
        return redirect(back)
    if "confirmed" not in request.POST:
        context = {"project": project, "images": chosen, "back_url": back}
        return render(request, "training/images_delete.html", context)
    try:
        count = delete_images(chosen)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect(back)
    said = ngettext("%(count)s image deleted.", "%(count)s images deleted.", count)
    messages.success(request, said % {"count": count})
    return redirect(back)


def _filter_query(request: UserRequest) -> str:
    """Return the filters as they stand in the address, without the place in the list."""
    query = request.GET.copy()
    for name in ("before", "size"):
        query.pop(name, None)
    return query.urlencode()


def _grid_size(request: UserRequest) -> str:
    """Return how large pictures are in the grid: as the address asks, else as it did last."""
    if (asked := request.GET.get("size", "")) in GRID_SIZES:
        request.session[GRID_SIZE] = asked
    size = request.session.get(GRID_SIZE)
    return size if size in GRID_SIZES else "medium"


def _whole(images: ImageQuerySet) -> ImageQuerySet:
    return images.select_related("picture", "project").prefetch_related("tags")


def _chosen(request: UserRequest, project: Project) -> list[Image]:
    ids = [int(pk) for pk in request.POST.getlist("ids") if pk.isdecimal() and len(pk) < 19]
    return list(_whole(Image.objects.filter(project=project, pk__in=ids)).newest_first())
