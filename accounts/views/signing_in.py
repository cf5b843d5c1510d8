"""Signing in and out, and what one chooses for oneself."""

import math
from collections.abc import Mapping
from http import HTTPStatus

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import first_passwords
from accounts.access import next_url
from accounts.exceptions import Busy, LinkIsDead, NameLocked, SignInRefused
from accounts.forms import SignInForm
from accounts.models import User
from accounts.password_links import find_link, redeem_link
from accounts.sign_ins import remember_device
from web.limits import refusal

YEAR_S = 365 * 24 * 3600


class SignIn(auth_views.LoginView):
    """Sign in, and be known from then on as one who did, in this browser."""

    authentication_form = SignInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        _note_sign_in(response, form.cleaned_data["username"])
        return response


login = SignIn.as_view()
logout = auth_views.LogoutView.as_view()


def _note_sign_in(response: HttpResponseBase, name: str) -> None:
    remember_device(response, name)
    first_passwords.forget([name])


def sign_in_refused(request: HttpRequest, reason: SignInRefused) -> HttpResponse:
    """Say why no password was looked at, and when to try again."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    if isinstance(reason, NameLocked):
        minutes = math.ceil(reason.seconds / 60)
        answer: HttpResponse = render(request, "accounts/locked.html", {"minutes": minutes}, status=status)
    elif isinstance(reason, Busy):
        sentence = _("Many people are signing in just now. Try again in a few seconds.")
        answer = refusal(request, sentence, title=_("One moment"), status=status)
    else:
        sentence = _("Sign-in has failed too often. Try again in %(seconds)s s.") % {"seconds": reason.seconds}
        answer = refusal(request, sentence, title=_("Too many attempts"), status=status)
    answer.headers["Retry-After"] = str(reason.seconds)
    return answer


class PasswordChange(auth_views.PasswordChangeView):
    """Change one's own password, then go home with a word that it is done."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("classifier:home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


password_change = PasswordChange.as_view()


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password_set(request: HttpRequest) -> HttpResponseBase:
    """Let whoever has a link choose a password, and sign in whom it is for.

    The link's text is no part of the path: requests are logged by theirs.
    """
    try:
        link = find_link(request.GET.get("link", ""))
        form = SetPasswordForm(link.user, request.POST or None)
        if not form.is_valid():
            return render(request, "accounts/password_set.html", {"form": form, "owner": link.user})
        redeem_link(link, password=form.cleaned_data["new_password1"])
    except LinkIsDead:
        return render(request, "accounts/password_link_dead.html")
    auth.login(request, link.user)
    messages.success(request, _("Your password is set."))
    response = redirect(settings.LOGIN_REDIRECT_URL)
    _note_sign_in(response, link.user.username)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Answer in that language from now on: kept with the user, and in a cookie for who is not signed in."""
    return _choose(
        request,
        "language",
        choices={code: code for code, _name in settings.LANGUAGES},
        cookie=settings.LANGUAGE_COOKIE_NAME,
    )


@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    """Keep the choice of light or dark, with the user and in a cookie that the page's script reads."""
    return _choose(request, "theme", choices={each: each for each in User.Theme.values}, cookie="theme")


@login_required
@require_POST
def keys(request: HttpRequest) -> HttpResponseBase:
    """Switch the shortcuts of one key on or off (WCAG 2.1.4)."""
    return _choose(request, "uses_keys", choices={"on": True, "off": False})


def _choose(
    request: HttpRequest, name: str, *, choices: Mapping[str, str | bool], cookie: str = ""
) -> HttpResponseBase:
    """Keep what the form chooses under that name, in the user's column of that name; nonsense changes nothing."""
    response = redirect(next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)))
    chosen = request.POST.get(name, "")
    if chosen not in choices:
        return response
    if request.user.is_authenticated:
        setattr(request.user, name, choices[chosen])
        request.user.save(update_fields=[name])
    if cookie:
        response.set_cookie(
            cookie,
            chosen,
            max_age=YEAR_S,
            path=settings.SESSION_COOKIE_PATH,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response
