"""What reviewers do with wrong predictions: with one, with a selection, or with all that pass the filters."""

import logging
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, next_url, reviewer_required
from acts.models import Act
from acts.services import Doer
from feedback.forms import GestureForm, ReviewFilterForm
from feedback.models import HELD_FOR, Misprediction, MispredictionQuerySet
from feedback.services.gestures import CANNOT, MOST_AT_ONCE, Gesture, perform, queue_gesture
from feedback.services.review import Outcome
from feedback.views.review import chosen
from web.answers import form_sentence, wants_json

logger = logging.getLogger(__name__)

MOST_NAMES = 3
"""Of reviewers who were quicker."""


@reviewer_required
@require_POST
def act(request: UserRequest) -> HttpResponseBase:
    """Do it, say what came of it, and offer to take it back; very many are a job."""
    form = GestureForm(request.POST)
    if not form.is_valid():
        return _answer(request, form_sentence(form), messages.ERROR)
    gesture, rows = form.gesture(request.user), _rows(request)
    keys = list(rows.values_list("pk", flat=True))
    if len(keys) > MOST_AT_ONCE:
        queue_gesture(keys, gesture, by=request.user)
        sentence = _("%(count)s photos are being reviewed: when that is done, it stands under My acts.") % {
            "count": len(keys)
        }
        return _answer(request, sentence, messages.INFO)
    try:
        outcome = perform(rows, gesture, by=Doer.person(request.user))
    except CANNOT as exc:
        logger.warning("Not reviewed act=%s: %s", gesture.act, exc)
        return _answer(request, str(exc), messages.ERROR)
    level = messages.SUCCESS if outcome.act and not outcome.overtaken else messages.WARNING
    return _answer(request, " ".join(_told(outcome, gesture)), level, done=outcome.act)


@reviewer_required
@require_POST
def hold(request: UserRequest, pk: int) -> HttpResponse:
    """Note that this person is looking at it, unless somebody else is; others are told, and may go on all the same."""
    free = Q(held_by=None) | Q(held_by=request.user) | Q(held_at__lt=timezone.now() - HELD_FOR)
    row = Misprediction.objects.visible_to(request.user).filter(free, pk=pk)
    row.update(held_by=request.user, held_at=timezone.now())
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _rows(request: UserRequest) -> MispredictionQuerySet:
    """Return those that are chosen one by one, or all that pass the filters."""
    if "everything" not in request.POST:
        return chosen(request)
    return ReviewFilterForm(QueryDict(request.POST.get("filter", "")), user=request.user).apply()


def _answer(request: UserRequest, sentence: str, level: int, *, done: Act | None = None) -> HttpResponseBase:
    """Say it where the person goes on; for a script at once."""
    back = next_url(request, reverse("feedback:mispredictions"))
    context = {"sentence": sentence, "act": done, "next": back}
    said = render_to_string("acts/_said.html", context, request)
    if wants_json(request):
        return JsonResponse({"said": said, "level": messages.constants.DEFAULT_TAGS[level]})
    messages.add_message(request, level, said)
    return redirect(back)


def _told(outcome: Outcome, gesture: Gesture) -> Iterator[str]:
    """Yield what happened, in sentences."""
    count = len(outcome.changed)
    if count:
        yield _SENTENCES[gesture.act](count) % {"count": count, "tag": gesture.tag}
    elif not outcome.overtaken:
        yield _("Nothing has changed: choose at least one photo for which this can be done.")
    if outcome.overtaken:
        names = sorted({row.reviewer for row in outcome.overtaken if row.reviewer})[:MOST_NAMES]
        said = ngettext(
            "%(count)s stays as it is: %(names)s had reviewed it already.",
            "%(count)s stay as they are: %(names)s had reviewed them already.",
            len(outcome.overtaken),
        )
        yield said % {"count": len(outcome.overtaken), "names": ", ".join(names) or _("somebody else")}


_SENTENCES: Mapping[str, Callable[[int], str]] = {
    "correct": lambda count: ngettext("%(count)s photo is %(tag)s now.", "%(count)s photos are %(tag)s now.", count),
    "accept": lambda count: ngettext("%(count)s suggestion accepted.", "%(count)s suggestions accepted.", count),
    "dismiss": lambda count: ngettext("%(count)s photo set aside.", "%(count)s photos set aside.", count),
    "reopen": lambda count: ngettext(
        "%(count)s photo is to be reviewed again.", "%(count)s photos are to be reviewed again.", count
    ),
    "delete": lambda count: ngettext(
        "%(count)s photo is in the bin now.", "%(count)s photos are in the bin now.", count
    ),
    "restore": lambda count: ngettext(
        "%(count)s photo is back among the wrong predictions.",
        "%(count)s photos are back among the wrong predictions.",
        count,
    ),
}
