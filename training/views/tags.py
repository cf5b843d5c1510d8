"""The tags of a project: found, made, renamed, deleted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Subquery
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import UserRequest, developer_required
from training.examples import LEAST_IMAGES, shipped_counts
from training.forms import TagListForm, TagNameForm, TagsForm
from training.models import ImageTag, Project, Tag
from training.services import projects as project_services
from training.views.answers import TROUBLE, of_tag, project_or_404, trouble_sentence
from training.views.uploads import upload_context
from web.answers import form_sentence, wants_json

TAGS_A_PAGE = 24


@dataclass(frozen=True)
class TagCard:
    """A tag with what its card says."""

    tag: Tag
    count: int
    shipped: int
    """Examples that come with the backbone."""
    missing: int
    """Images that it needs before one can train."""
    recall: float | None = None
    """0 to 1, of the iteration that answers, else of the newest; None where it was not measured."""
    cover: str = ""
    """sha256 of its newest picture; empty where it has none."""


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tags(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show the tags; make those that are posted."""
    project = project_or_404(pk)
    if request.method == "POST":
        return _create(request, project)
    return _page(request, project, TagsForm(project=project))


def _create(request: UserRequest, project: Project) -> HttpResponseBase:
    """Make tags; to our script answer with the keys of all that were named."""
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
    return redirect("training:tags", pk=project.pk)


@developer_required
@never_cache
@require_POST
@of_tag
def rename_tag(request: UserRequest, pk: int, tag: int) -> HttpResponseBase:
    """Give a tag another name."""
    row = get_object_or_404(Tag.objects.select_related("project"), pk=tag, project=pk)
    form = TagNameForm(request.POST, tag=row)
    if not form.is_valid():
        messages.error(request, form_sentence(form))
        return redirect("training:tags", pk=pk)
    try:
        project_services.rename_tag(row, name=form.cleaned_data["name"])
    except TROUBLE as exc:
        messages.error(request, trouble_sentence(exc))
    else:
        messages.success(request, _("The tag is called %(name)s now.") % {"name": row.name})
    return redirect("training:tags", pk=pk)


@developer_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@of_tag
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
    return redirect("training:tags", pk=pk)


def tag_cards(project: Project, *, shipped: Mapping[int, int]) -> list[TagCard]:
    """Return all tags by name, without covers."""
    counted = ImageTag.objects.filter(tag__project=project).values("tag").annotate(images=Count("pk"))
    counts: Counter[int] = Counter(dict(counted.values_list("tag", "images")))
    cards = []
    for tag in project.tags.all():
        count, along = counts[tag.pk], shipped.get(tag.pk, 0)
        cards.append(TagCard(tag, count, along, max(LEAST_IMAGES - count - along - tag.images_elsewhere, 0)))
    return cards


def _page(request: UserRequest, project: Project, tags_form: TagsForm) -> HttpResponse:
    listing = TagListForm(request.GET)
    part, order = listing.wanted
    cards = _with_recall(project, tag_cards(project, shipped=shipped_counts(project)))
    chosen = _sorted([card for card in cards if part.casefold() in card.tag.name.casefold()], order)
    page = Paginator(chosen, TAGS_A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "project": project,
        "tab": "tags",
        "cards": _with_covers(list(page)),
        "page": page,
        "query": query.urlencode(),
        "listing": listing,
        "tag_count": len(cards),
        "largest": max((card.count for card in cards), default=0) or 1,
        "tags_form": tags_form,
        **upload_context(request, project),
    }
    return render(request, "training/tags.html", context)


def _with_recall(project: Project, cards: Sequence[TagCard]) -> list[TagCard]:
    measured = project.live_iteration or project.iterations.completed().first()
    figures = measured.metrics.get("per_tag", {}) if measured else {}
    return [replace(card, recall=figures.get(card.tag.name, {}).get("recall")) for card in cards]


def _with_covers(cards: Sequence[TagCard]) -> list[TagCard]:
    newest = ImageTag.objects.filter(tag=OuterRef("pk")).order_by("-image").values("image__picture__sha256")[:1]
    chosen = Tag.objects.filter(pk__in=[card.tag.pk for card in cards]).annotate(cover=Subquery(newest))
    covers = dict(chosen.order_by().values_list("pk", "cover"))
    return [replace(card, cover=covers[card.tag.pk] or "") for card in cards]


def _sorted(cards: list[TagCard], order: str) -> list[TagCard]:
    """Return them in that order; those of which no recall is known come last."""
    if order == TagListForm.Sort.COUNT:
        return sorted(cards, key=lambda card: -card.count)
    if order == TagListForm.Sort.RECALL:
        return sorted(cards, key=lambda card: 2 if card.recall is None else card.recall)
    return cards


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
