"""Signing in and out, and what one chooses for oneself."""

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import next_url
from accounts.forms import LanguageForm, ThemeForm

YEAR_S = 365 * 24 * 3600

login = auth_views.LoginView.as_view(template_name="accounts/login.html", redirect_authenticated_user=True)
logout = auth_views.LogoutView.as_view()


def locked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """Say for how many minutes this name cannot sign in from this address."""
    minutes = settings.AXES_COOLOFF_TIME.seconds // 60
    return render(request, "accounts/locked.html", {"minutes": minutes}, status=HTTPStatus.TOO_MANY_REQUESTS)


class PasswordChange(auth_views.PasswordChangeView):
    """Change one's own password, then go home with a word that it is done."""

    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("classifier:home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


password_change = PasswordChange.as_view()


@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Answer in that language from now on: kept with the user, and in a cookie for who is not signed in."""
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return _back(request)
    chosen = form.cleaned_data["language"]
    if request.user.is_authenticated:
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    translation.activate(chosen)
    return _remember(_back(request), settings.LANGUAGE_COOKIE_NAME, chosen)


@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    """Keep the choice of light or dark, with the user and in a cookie that the page's script reads."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return _back(request)
    chosen = form.cleaned_data["theme"]
    if request.user.is_authenticated:
        request.user.theme = chosen
        request.user.save(update_fields=["theme"])
    return _remember(_back(request), "theme", chosen)


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)))


def _remember(response: HttpResponseRedirect, cookie: str, value: str) -> HttpResponseRedirect:
    response.set_cookie(cookie, value, max_age=YEAR_S, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response
