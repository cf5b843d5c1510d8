"""The administrators' pages of users."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import UserRequest, administrator_required
from accounts.exceptions import LastAdministrator
from accounts.forms import SuccessionForm, UserForm
from accounts.models import User
from accounts.password_links import create_link
from accounts.roles import MAY_HAVE_KEYS, Role, role_of, roles_of
from accounts.sentences import LAST_ADMINISTRATOR, revoked_keys, stopped_keys
from accounts.services import activate_user, deactivate_users, set_role
from web.paging import page_by_key

PAGE_SIZE = 50


@dataclass(frozen=True)
class Row:
    """A person, and their role."""

    user: User
    role: Role


@administrator_required
@never_cache
@require_safe
def users(request: UserRequest) -> HttpResponse:
    """List the people whose name has what is searched for in it, newest first."""
    searched = request.GET.get("q", "").strip()
    page = page_by_key(request, _with_name(searched), size=PAGE_SIZE)
    roles = roles_of(page.rows)
    rows = [Row(user, roles[user]) for user in page.rows]
    return render(request, "accounts/users.html", {"rows": rows, "page": page, "searched": searched})


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest) -> HttpResponse:
    """Make a user without a password, and show the link by which they set one."""
    form = UserForm(request.POST or None, by=request.user, initial={"role": Role.USER})
    if not form.is_valid():
        return render(request, "accounts/user_new.html", {"form": form})
    with transaction.atomic():
        person = User.objects.create_user(form.cleaned_data["username"])
        set_role(person, Role(form.cleaned_data["role"]), successors={})
    return _show_link(request, person)


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show a person; take a new name or role. Of keys that the role may not have, first ask who gets them."""
    person = get_object_or_404(User, pk=pk)
    name, before = person.username, role_of(person)  # the form changes the person
    form = UserForm(request.POST or None, instance=person, by=request.user, initial={"role": before})
    shown = {"name": name, "person": person, "form": form, "is_own": person == request.user}
    if not form.is_valid():
        return render(request, "accounts/user.html", shown)
    role = Role(form.cleaned_data["role"])
    succession = SuccessionForm(request.POST if "confirmed" in request.POST else None, users=[person])
    loses_keys = bool(succession.fields) and role not in MAY_HAVE_KEYS
    if loses_keys and not succession.is_valid():
        context = {"name": name, "person": person, "role": role, "succession": succession}
        return render(request, "accounts/user_keys.html", context)
    try:
        with transaction.atomic():
            form.save()
            revoked = set_role(person, role, successors=succession.successors if loses_keys else {})
    except LastAdministrator:
        form.add_error("role", LAST_ADMINISTRATOR)
        return render(request, "accounts/user.html", shown)
    messages.success(request, _("“%(name)s” is saved.") % {"name": person.username})
    if revoked:
        messages.warning(request, revoked_keys(revoked))
    return redirect("accounts:users")


@administrator_required
@require_POST
def link(request: UserRequest, pk: int) -> HttpResponseBase:
    """Make a link by which the person sets a password, in place of the former one."""
    person = get_object_or_404(User, pk=pk)
    if not person.is_active:
        messages.error(request, _("Let this person sign in again first: a link of theirs would open nothing."))
        return redirect("accounts:user", pk)
    return _show_link(request, person)


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: UserRequest, pk: int) -> HttpResponseBase:
    """Show the person's keys, each with who may get it; once that is confirmed, deactivate the person."""
    person = get_object_or_404(User, pk=pk)
    if person == request.user:
        messages.error(request, _("You cannot deactivate yourself."))
        return redirect("accounts:user", pk)
    form = SuccessionForm(request.POST if request.method == "POST" else None, users=[person])
    if not form.is_valid():
        return render(request, "accounts/user_deactivate.html", {"person": person, "succession": form})
    try:
        stopped = deactivate_users([person], successors=form.successors)
    except LastAdministrator:
        messages.error(request, LAST_ADMINISTRATOR)
        return redirect("accounts:user", pk)
    messages.success(request, _("“%(name)s” is deactivated.") % {"name": person.username})
    if stopped:
        messages.warning(request, stopped_keys(stopped))
    return redirect("accounts:users")


@administrator_required
@require_POST
def activate(request: UserRequest, pk: int) -> HttpResponseBase:
    """Let the person sign in again, with the password that they had."""
    person = get_object_or_404(User, pk=pk)
    activate_user(person)
    messages.success(request, _("“%(name)s” can sign in again.") % {"name": person.username})
    return redirect("accounts:user", pk)


def _with_name(text: str) -> QuerySet[User]:
    """Return the people who have each word of the text in a name of theirs."""
    found = User.objects.all()
    for word in text.split():
        is_in_a_name = Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        found = found.filter(is_in_a_name)
    return found


def _show_link(request: UserRequest, person: User) -> HttpResponse:
    """Show the link in the answer to the form: its text is kept nowhere, and never shown again."""
    link, text = create_link(user=person, by=request.user)
    query = urlencode({"link": text})
    url = request.build_absolute_uri(f"{reverse('accounts:password_set')}?{query}")
    return render(request, "accounts/user_link.html", {"person": person, "link": link, "url": url})
