"""The reviewers' page "Prédiction erronée", and their bin."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import condition, require_POST, require_safe

from accounts.access import UserRequest, next_url, reviewer_required
from catalog import responses
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from feedback.forms import ReviewFilterForm
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.services.bin import erase_mispredictions
from feedback.views.answers import NOTHING, PAGE_SIZE, STORAGE_REFUSES, chosen_ids
from training.models import Image, Project, Tag
from training.names import same_name
from web.paging import Order, page_by_key

logger = logging.getLogger(__name__)

S = Misprediction.State
MOST_LIKELY = 5
"""Tags that have a button and a key each."""
PREFETCHED = 3


class Tab(NamedTuple):
    """A state, and how many there are of it."""

    name: str
    text: str
    amount: int
    is_here: bool


@reviewer_required
@never_cache
@require_safe
def mispredictions(request: UserRequest) -> HttpResponse:
    """List the wrong predictions of one state, a page at a time by key."""
    filters = ReviewFilterForm(request.GET, user=request.user)
    rows = filters.apply()
    page = page_by_key(request, rows.with_pictures(), size=PAGE_SIZE, order=filters.ordering)
    context = {
        "page": page,
        "filters": filters,
        "query": filters.query,
        "tabs": _tabs(filters),
        "found": rows.count() if filters.is_filtered else filters.counts[filters.shown_state],
        "tags": _tag_names(page.rows),
        "dismissals": Misprediction.Dismissal.choices,
        "learnable": [] if page.rows else _learnable(request),
    }
    return render(request, "feedback/mispredictions.html", context)


def _learnable(request: UserRequest) -> list[dict[str, object]]:
    """Return the projects that could learn from corrections, each with how many; for those who may train."""
    if not request.user.has_perm("accounts.develop"):
        return []
    corrections = Image.objects.filter(project__in=Project.objects.visible_to(request.user)).new_corrections()
    return list(corrections.values("project", "project__name").annotate(count=Count("pk")).order_by("project__name"))


@reviewer_required
@never_cache
@require_safe
def misprediction(request: UserRequest, pk: int) -> HttpResponse:
    """Show one wrong prediction whole, with what may be done with it, and the way to the next of the list.

    With `part` in the address: that alone, for a page that shows another one already.
    """
    row = get_object_or_404(_visible(request).with_pictures().select_related("deleted_by", "project"), pk=pk)
    filters = ReviewFilterForm(request.GET, user=request.user)
    return render(
        request,
        "feedback/_desk.html" if "part" in request.GET else "feedback/misprediction.html",
        {"misprediction": row, "rows": row.rows, **_desk(row, filters)},
    )


def _desk(row: Misprediction, filters: ReviewFilterForm) -> dict[str, object]:
    """Return what stands around a wrong prediction: its likely tags, and its neighbours in the list."""
    order, rows = filters.ordering, filters.apply()
    place = order.place_of(row)
    names = {same_name(name): name for name in row.project.tags.values_list("name", flat=True)}
    list_url = f"{reverse('feedback:bin' if row.deleted_at else 'feedback:mispredictions')}?{filters.query}"
    following = [_url(each, filters) for each in order.after(rows, place)[:PREFETCHED].values_list("pk", flat=True)]
    before = order.before(rows, place).values_list("pk", flat=True).first()
    return {
        "likely": _likely(row, names),
        "offered": names.get(same_name(row.offered_tag)),
        "tags": names.values(),
        "list_url": list_url,
        "url": _url(row.pk, filters),
        "following": following,
        "next_url": following[0] if following else list_url,
        "previous_url": _url(before, filters) if before else "",
    }


def _likely(row: Misprediction, names: Mapping[str, str]) -> list[str]:
    """Return the tags that have a button each: the one that is offered, then the most probable of the others.

    names: of the project's tags, by what is the same whatever the case.
    """
    wrong = None if row.project.is_multilabel else names.get(same_name(row.tag))
    ordered = [names.get(same_name(name)) for name in (row.offered_tag, *(rated.tag for rated in row.rows))]
    return [name for name in dict.fromkeys(ordered) if name and name != wrong][:MOST_LIKELY]


def _url(pk: int, filters: ReviewFilterForm) -> str:
    return f"{reverse('feedback:misprediction', args=[pk])}?{filters.query}"


def _tabs(filters: ReviewFilterForm) -> list[Tab]:
    return [Tab(name, str(text), filters.counts[name], name == filters.shown_state) for name, text in S.choices]


def _tag_names(rows: Sequence[Misprediction]) -> list[str]:
    """Return the names of all tags of these rows' projects."""
    projects = {row.project_id for row in rows}
    return sorted(set(Tag.objects.filter(project__in=projects).values_list("name", flat=True)))


def _etag(request: UserRequest, pk: int) -> str | None:
    """Return the content's tag, so that a browser which has the picture is not sent it again."""
    sha256 = _visible(request).filter(pk=pk).values_list("picture__sha256", flat=True).first()
    return f'"{sha256}"' if sha256 else None


@reviewer_required
@condition(etag_func=_etag)
@require_safe
def photo(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show the photo whole."""
    return responses.whole(_picture(request, pk))


@reviewer_required
@condition(etag_func=_etag)
@require_safe
def thumbnail(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show a small JPEG of the photo."""
    return responses.small(_picture(request, pk))


@reviewer_required
@never_cache
@require_safe
def bin_(request: UserRequest) -> HttpResponse:
    """List what is in the bin, the last deleted first."""
    rows = _visible(request).in_bin().with_pictures().select_related("deleted_by")
    page = page_by_key(request, rows, size=PAGE_SIZE, order=Order("deleted_at"))
    context = {
        "page": page,
        "days": settings.CLASSIFR_BIN_DAYS,
    }
    return render(request, "feedback/bin.html", context)


@reviewer_required
@require_POST
def erase(request: UserRequest) -> HttpResponseBase:
    """Ask whether the chosen ones in the bin are to go for good; once that is confirmed, erase them."""
    binned = chosen(request).in_bin()
    back = next_url(request, reverse("feedback:bin"))
    if "confirmed" not in request.POST:
        shown = list(binned.newest_first().select_related("picture"))
        if shown:
            return render(request, "feedback/confirm_erase.html", {"mispredictions": shown, "back_url": back})
    try:
        erased = erase_mispredictions(binned)
    except StorageUnavailable as exc:
        logger.warning("Mispredictions not erased: %s", exc, exc_info=exc)
        messages.error(request, STORAGE_REFUSES)
        return redirect(back)
    if erased:
        said = ngettext("%(count)s photo erased.", "%(count)s photos erased.", erased)
        messages.success(request, said % {"count": erased})
    else:
        messages.warning(request, NOTHING)
    return redirect(back)


def _picture(request: UserRequest, pk: int) -> Picture:
    return get_object_or_404(_visible(request).select_related("picture"), pk=pk).picture


def chosen(request: UserRequest) -> MispredictionQuerySet:
    return _visible(request).filter(pk__in=chosen_ids(request))


def _visible(request: UserRequest) -> MispredictionQuerySet:
    return Misprediction.objects.visible_to(request.user)
