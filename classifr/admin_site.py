"""The Django admin for administrators; to everybody else it does not exist."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from classifr import __version__


class AdministratorSite(AdminSite):
    """Sends strangers to Classifr's own sign-in page, and answers 404 to people who are no administrators."""

    site_header = f"Classifr {__version__}"
    site_title = "Classifr"

    def has_permission(self, request: HttpRequest) -> bool:
        if request.user.is_authenticated and not request.user.is_superuser:
            raise Http404
        return request.user.is_active and request.user.is_superuser

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect_to_login(request.GET.get("next", "/admin/"))
