"""The log, for who answers for the site; and one's own last acts, to take them back."""

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import UserRequest, administrator_required, next_url
from acts import services
from acts.exceptions import NotUndone
from acts.forms import ActFilterForm
from acts.models import Act, ActObject
from acts.verbs import Verb
from web.paging import page_by_key

PAGE_SIZE = 50
MOST_SHOWN = 5
"""Things of an act that a line names; the others are counted."""
_FORMULA = tuple("=+-@\t\r")


@administrator_required
@never_cache
@require_safe
def log(request: UserRequest) -> HttpResponse:
    """List what was done, the newest first."""
    form = ActFilterForm(request.GET)
    page = page_by_key(request, form.apply().select_related("undone_by"), size=PAGE_SIZE)
    context = {"form": form, "page": page, "lines": _lines(page.rows), "query": form.query}
    return render(request, "acts/log.html", context)


@administrator_required
@never_cache
@require_safe
def export(request: UserRequest) -> HttpResponseBase:
    """Give the same as CSV, a line for each thing that an act changed."""
    acts = ActFilterForm(request.GET).apply()
    things = ActObject.objects.filter(act__in=acts).select_related("act", "act__undone_by").order_by("-act", "pk")
    answer = StreamingHttpResponse(_csv(things.iterator()), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="acts.csv"'
    return answer


@login_required
@never_cache
@require_safe
def mine(request: UserRequest) -> HttpResponse:
    """List one's own acts, with a button for each that can still be taken back."""
    page = page_by_key(request, Act.objects.by(request.user), size=PAGE_SIZE)
    return render(request, "acts/mine.html", {"page": page, "lines": _lines(page.rows)})


@login_required
@require_POST
def undo(request: UserRequest, pk: int) -> HttpResponseBase:
    """Take back one of one's own acts."""
    return _undo(request, get_object_or_404(Act.objects.by(request.user), pk=pk), _("Taken back."))


@login_required
@require_POST
def undo_last(request: UserRequest) -> HttpResponseBase:
    """Take back one's last act."""
    return _undo(request, services.last_done(request.user), _("Taken back."))


@login_required
@require_POST
def redo(request: UserRequest) -> HttpResponseBase:
    """Do again what was taken back last."""
    return _undo(request, services.last_undone(request.user), _("Done again."))


def _undo(request: UserRequest, act: Act | None, done: str) -> HttpResponseBase:
    if act is None:
        messages.warning(request, _("There is nothing to take back."))
    else:
        try:
            services.undo(act=act, by=request.user)
            messages.success(request, done)
        except NotUndone as exc:
            messages.warning(request, str(exc))
    return redirect(next_url(request, reverse("acts:mine")))


class Told(NamedTuple):
    """A change, as a table shows it."""

    thing: str
    before: str
    after: str


class Line(NamedTuple):
    """An act, as a table shows it."""

    act: Act
    verb: Verb
    changes: list[Told]
    others: int
    """How many more it changed."""


def _lines(acts: Sequence[Act]) -> list[Line]:
    first = ActObject.objects.first_of(acts, count=MOST_SHOWN)
    return [_line(act, first[act.pk]) for act in acts]


def _line(act: Act, things: Sequence[ActObject]) -> Line:
    verb = act.known_verb
    told = [
        Told(f"{verb.noun or thing.kind} {thing.object_id}", _say(verb, thing.before), _say(verb, thing.after))
        for thing in things
    ]
    return Line(act, verb, told, act.change_count - len(told))


def _say(verb: Verb, state: Any) -> str:
    if state is None:
        return "∅"
    return _("erased") if state == services.ERASED else verb.say(state)


def _csv(things: Iterator[ActObject]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    head = ["when", "actor", "name", "verb", "kind", "id", "before", "after", "undone"]
    yield writer.writerow(head)
    for thing in things:
        act = thing.act
        undone = act.undone_by.happened_at.isoformat() if act.undone_by else ""
        states = [
            json.dumps(state, ensure_ascii=False) if state is not None else "" for state in (thing.before, thing.after)
        ]
        row = [act.happened_at.isoformat(), act.actor, act.name, act.verb, thing.kind, thing.object_id, *states, undone]
        yield writer.writerow([without_formula(cell) for cell in row])


def without_formula(cell: str) -> str:
    """Return the cell so that no program of tables computes it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Echo:
    """Gives back what the writer of CSV writes."""

    def write(self, line: str) -> Any:
        return line
