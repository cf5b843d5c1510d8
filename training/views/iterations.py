"""Iterations: the list, one with its figures and the pictures behind them, two compared."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import UserRequest, developer_required
from catalog.models import Picture
from training import evaluation, unseen
from training.comparison import compare as compare_iterations
from training.evaluation import Judged
from training.figures import ENOUGH_TO_CALIBRATE, Performance, side_by_side
from training.models import Iteration
from training.services import learning
from training.services.publishing import rollback_target
from training.snapshots import Snapshot, snapshot_of
from training.vectors import newer_backbone
from training.views import plots
from training.views.answers import TROUBLE, iteration_or_404, notices, of_iteration, project_or_404, trouble_sentence
from training.views.projects import engine_name

logger = logging.getLogger(__name__)

ITERATIONS_A_PAGE = 50
PICTURES_A_PAGE = 48
MOST_TAGS_AT_ONCE = 25
"""With more, the confusion matrix comes after the list of what is confused most."""
_SHADES = 4
_MOST_DIGITS = 9


class ThresholdForm(forms.Form):
    """From which probability on a tag counts as said."""

    threshold = forms.FloatField(required=False, min_value=0, max_value=1)


@dataclass(frozen=True)
class Shot:
    """A picture with what was said of it, as a page shows it."""

    judged: Judged
    is_here: bool
    """Whether the picture still exists."""
    is_shipped: bool
    """Whether it came along as a vector."""


@dataclass(frozen=True)
class Cell:
    """A number of the confusion matrix."""

    said: str
    count: int
    shade: int
    """0 (none) to 4 (nearly all pictures of the row)."""


@dataclass(frozen=True)
class MatrixRow:
    """The pictures of one tag, by what was said of them."""

    truth: str
    cells: tuple[Cell, ...]


@developer_required
@never_cache
@require_safe
def iterations(request: UserRequest, pk: int) -> HttpResponseBase:
    """List the iterations, newest first; send on to the comparison of two that were chosen."""
    project = project_or_404(pk)
    if "pair" in request.GET:
        pair = sorted({number_in(each) for each in request.GET.getlist("pair")}, reverse=True)
        if len(pair) == 2 and all(pair):
            address = reverse("training:compare", args=[pk, pair[0]])
            return redirect(f"{address}?{urlencode({'with': pair[1]})}")
        messages.warning(request, _("Choose two iterations to compare."))
    rows = project.iterations.select_related("created_by")
    page = Paginator(rows, ITERATIONS_A_PAGE).get_page(request.GET.get("page"))
    context = {"project": project, "tab": "iterations", "page": page, "rollback": rollback_target(project)}
    context["can_compare"] = project.iterations.completed().count() > 1
    return render(request, "training/iterations.html", context)


@developer_required
@never_cache
@require_safe
@of_iteration
def iteration(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """Show an iteration: its figures at a threshold, what it confuses, where it is wrong, how honest it is."""
    iteration = iteration_or_404(pk, number)
    context = {
        "iteration": iteration,
        "project": iteration.project,
        "rollback": rollback_target(iteration.project),
        "can_compare": iteration.project.iterations.completed().exclude(pk=iteration.pk).exists(),
        **notices(iteration),
        "engine": engine_name(iteration.project),
        "newer_backbone": newer_backbone(iteration),
        **_figures(request, iteration),
        **_pictures(iteration),
    }
    return render(request, "training/iteration.html", context)


@developer_required
@never_cache
@require_safe
@of_iteration
def performance(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Show the figures at another threshold: alone to htmx, else with the page around them."""
    if not request.htmx:
        return iteration(request, pk, number)
    row = iteration_or_404(pk, number)
    context = {"iteration": row, "project": row.project, **_figures(request, row)}
    response = render(request, "training/_performance.html", context)
    response.headers["HX-Replace-Url"] = context["here_url"]
    return response


@developer_required
@never_cache
@require_safe
@of_iteration
def confusion(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Show the pictures of one tag that were taken for another, the surest first."""
    iteration = iteration_or_404(pk, number)
    truth, said = request.GET.get("truth", ""), request.GET.get("said", "")
    try:
        snapshot = snapshot_of(iteration)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect("training:iteration", pk=pk, number=number)
    if snapshot is None or snapshot.multilabel or not {truth, said} <= set(snapshot.tags):
        raise Http404
    page = Paginator(evaluation.cell(snapshot, truth=truth, said=said), PICTURES_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "iteration": iteration,
        "project": iteration.project,
        "truth": truth,
        "said": said,
        "page": page,
        "query": urlencode({"truth": truth, "said": said}),
        "shots": _shots(iteration, list(page.object_list)),
    }
    return render(request, "training/confusion_pictures.html", context)


@developer_required
@never_cache
@require_safe
@of_iteration
def compare(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """Set an iteration beside another one, by default the live one; what follows from it the page asks for."""
    new = iteration_or_404(pk, number)
    return _compare_page(request, new, _chosen_other(new, request.GET.get("with", "")))


@developer_required
@never_cache
@require_safe
def comparison(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Compare an iteration with another one on the same images: alone to htmx, else with the page around it.

    Half a minute where many tags are compared by folds, so it keeps no page waiting.
    """
    new = iteration_or_404(pk, number)
    old = _chosen_other(new, request.GET.get("with", ""))
    if old is None:
        return redirect("training:compare", pk=pk, number=number)
    compared = _compared(new, old)
    if request.htmx:
        return render(request, "training/_comparison.html", compared)
    return _compare_page(request, new, old, **compared)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_iteration
def delete(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """Ask whether the iteration is to go; once that is confirmed, delete it."""
    iteration = iteration_or_404(pk, number)
    if request.method != "POST":
        return render(request, "training/iteration_delete.html", {"iteration": iteration, "project": iteration.project})
    try:
        learning.delete_iteration(iteration)
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
        return redirect("training:iteration", pk=pk, number=number)
    messages.success(request, _("%(name)s is deleted.") % {"name": iteration.name})
    return redirect("training:iterations", pk=pk)


def _compare_page(request: UserRequest, new: Iteration, old: Iteration | None, **compared: Any) -> HttpResponse:
    others = new.project.iterations.completed().exclude(pk=new.pk)
    context: dict[str, Any] = {"iteration": new, "project": new.project, "old": old, "others": others, **compared}
    if old is not None:
        context |= {"lines": side_by_side(new.metrics, old.metrics), **notices(new)}
    return render(request, "training/compare.html", context)


def number_in(text: str) -> int:
    """Return the number of an iteration that an address or a form names; 0, which none has, for anything else."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def _figures(request: UserRequest, iteration: Iteration) -> dict[str, Any]:
    """Return what `_performance.html` shows at the threshold, and of the tag, that the address names.

    Raises Http404 for a tag that the iteration does not have.
    """
    form = ThresholdForm(request.GET)
    asked = form.cleaned_data["threshold"] if form.is_valid() else None
    threshold = evaluation.THRESHOLD if asked is None else asked
    tag = request.GET.get("tag", "")
    address = reverse("training:iteration", args=[iteration.project_id, iteration.number])
    at_threshold = urlencode({"threshold": f"{threshold:g}"})
    context: dict[str, Any] = {
        "threshold": threshold,
        "threshold_errors": form.errors.get("threshold", []),
        "at_threshold": at_threshold,
        "tag": tag,
        "here_url": f"{address}?{at_threshold}{'&' + urlencode({'tag': tag}) if tag else ''}",
        "all_tags_url": f"{address}?{at_threshold}#curve",
    }
    if iteration.status != Iteration.Status.COMPLETED:
        return context
    try:
        figures = evaluation.performance_of(iteration, threshold=threshold)
        snapshot = snapshot_of(iteration)
    except TROUBLE as exc:
        return context | {"failure": trouble_sentence(exc)}
    if tag and tag not in (snapshot.tags if snapshot else ()):
        raise Http404
    context |= {"figures": figures, "rows": evaluation.weakest_first(figures) if figures else []}
    return context | (_curve(iteration, snapshot, figures, tag) if snapshot and figures else {})


def _curve(iteration: Iteration, snapshot: Snapshot, figures: Performance, tag: str) -> dict[str, Any]:
    """Return the precision-recall curve with its point, and what changes between the threshold and the usual one."""
    curve = evaluation.curve(snapshot, tag)
    here = evaluation.score_of(figures, tag)
    low, high = sorted([figures.threshold, evaluation.THRESHOLD])
    count, changing = evaluation.changing_sides(snapshot, low=low, high=high)
    return {
        "has_snapshot": True,
        "curve": plots.curve_plot(curve.recalls, curve.precisions, here=(here.recall, here.precision))
        if curve
        else None,
        "points": evaluation.along_the_curve(snapshot, tag),
        "usual": evaluation.THRESHOLD,
        "changing": _shots(iteration, changing),
        "changing_count": count,
        "is_stricter": figures.threshold > evaluation.THRESHOLD,
    }


def _pictures(iteration: Iteration) -> dict[str, Any]:
    """Return what the page shows of the single pictures: confusion, the worst ones, calibration."""
    try:
        snapshot = snapshot_of(iteration)
    except TROUBLE as exc:
        return {"failure": trouble_sentence(exc)}
    if snapshot is None:
        return {}
    bins = evaluation.calibration(snapshot)
    measured = int(snapshot.measured.sum())
    return {
        "is_multilabel": snapshot.multilabel,
        "worst": _shots(iteration, evaluation.worst(snapshot)),
        "confusions": evaluation.confusions(snapshot),
        "tags": snapshot.tags,
        "matrix": _matrix(snapshot),
        "has_many_tags": len(snapshot.tags) > MOST_TAGS_AT_ONCE,
        "bins": bins,
        "measured": measured,
        "is_calibration_known": measured >= ENOUGH_TO_CALIBRATE,
        "calibration": plots.calibration_plot([(each.low, each.high, each.confidence, each.accuracy) for each in bins]),
    }


def _matrix(snapshot: Snapshot) -> tuple[MatrixRow, ...]:
    if snapshot.multilabel:
        return ()
    counts = evaluation.confusion_matrix(snapshot).tolist()
    return tuple(_matrix_row(snapshot, truth, row) for truth, row in zip(snapshot.tags, counts, strict=True))


def _matrix_row(snapshot: Snapshot, truth: str, counts: Sequence[int]) -> MatrixRow:
    pictures = sum(counts)
    return MatrixRow(
        truth,
        tuple(
            Cell(said, count, shade=math.ceil(_SHADES * count / pictures) if count else 0)
            for said, count in zip(snapshot.tags, counts, strict=True)
        ),
    )


def _shots(iteration: Iteration, judged: Sequence[Judged]) -> list[Shot]:
    sha256s = [each.sha256 for each in judged]
    here = set(Picture.objects.filter(sha256__in=sha256s).values_list("sha256", flat=True))
    shipped = unseen.comes_along(iteration, sha256s)
    return [Shot(each, each.sha256 in here, bool(along)) for each, along in zip(judged, shipped, strict=True)]


def _chosen_other(new: Iteration, number: str) -> Iteration | None:
    """Return the iteration to compare with; None where none is named and no other one is live."""
    if number:
        known = new.project.iterations.completed().exclude(pk=new.pk)
        return get_object_or_404(known, number=number_in(number))
    live = new.project.live_iteration
    return None if live is None or live.pk == new.pk else live


def _compared(new: Iteration, old: Iteration) -> dict[str, Any]:
    """Return what the two say of the same pictures, or why that is not known."""
    try:
        compared = compare_iterations(new, old)
    except TROUBLE as exc:
        return {"refusal": trouble_sentence(exc)}
    return {
        "comparison": compared,
        "gained": _shots(new, evaluation.judged(compared.said, compared.gained[:PICTURES_A_PAGE])),
        "lost": _shots(new, evaluation.judged(compared.said, compared.lost[:PICTURES_A_PAGE])),
    }
