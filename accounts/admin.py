"""The Django admin's pages of users and of keys."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.forms import DeactivationForm
from accounts.keys import revoke_keys_of
from accounts.models import ApiKey, User
from accounts.services import deactivate_users
from accounts.sign_ins import locked_until, release_lock
from web.read_only import ReadOnlyAdmin


@admin.register(User)
class ClassifrUserAdmin(UserAdmin[User]):
    """People. Whoever is deactivated or deleted takes their keys along, unless another developer gets them."""

    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (gettext_lazy("Sign-in"), {"fields": ("locked_until",)}),
        (gettext_lazy("Appearance"), {"fields": ("language", "theme", "uses_keys")}),
    )
    readonly_fields = ("locked_until",)
    actions = ("deactivate", "release_locks")

    @admin.display(description=gettext_lazy("Sign-in locked until"))
    def locked_until(self, user: User) -> str | None:
        until = locked_until(user)
        return localize(timezone.localtime(until)) if until else None

    @admin.action(description=gettext_lazy("Deactivate…"), permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Show the keys of these people, each with who may get it; once that is confirmed, deactivate them."""
        if any(user == request.user for user in users):
            self.message_user(request, _("You cannot deactivate yourself."), messages.ERROR)
            return None
        form = DeactivationForm(request.POST if "confirmed" in request.POST else None, users=users)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "users": users, "form": form, "opts": self.opts}
            return render(request, "accounts/deactivate.html", {**context, "title": _("Deactivate?")})
        stopped = deactivate_users(list(users), successors=form.successors)
        self._say_stopped(request, stopped)
        return None

    @admin.action(description=gettext_lazy("Let them sign in again (release the lock)"), permissions=["change"])
    def release_locks(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            release_lock(user)
        self.message_user(request, _("They can sign in again."), messages.SUCCESS)

    def save_model(self, request: HttpRequest, user: User, form: ModelForm[User], change: bool) -> None:  # noqa: FBT001  # Django's
        super().save_model(request, user, form, change)
        if change and "is_active" in form.changed_data and not user.is_active:
            self._say_stopped(request, ApiKey.objects.not_revoked_of([user]).count())

    def delete_model(self, request: HttpRequest, user: User) -> None:
        revoke_keys_of([user])
        super().delete_model(request, user)

    def delete_queryset(self, request: HttpRequest, users: QuerySet[User]) -> None:
        revoke_keys_of(users)
        super().delete_queryset(request, users)

    def _say_stopped(self, request: HttpRequest, count: int) -> None:
        sentence = ngettext("%(count)s API key stops working.", "%(count)s API keys stop working.", count)
        self.message_user(request, sentence % {"count": count}, messages.WARNING)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """To look at; keys are made and revoked on the developers' pages."""

    list_display = ["name", "prefix", "scope", "owner", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["owner"]
    exclude = ["digest"]
