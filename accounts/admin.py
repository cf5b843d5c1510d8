"""The Django admin's pages of users and of keys."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey, User
from accounts.sign_ins import locked_until, release_lock
from web.read_only import ReadOnlyAdmin


@admin.register(User)
class ClassifrUserAdmin(UserAdmin[User]):
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (gettext_lazy("Sign-in"), {"fields": ("locked_until",)}),
        (gettext_lazy("Appearance"), {"fields": ("language", "theme")}),
    )
    readonly_fields = ("locked_until",)
    actions = ("release_locks",)

    @admin.display(description=gettext_lazy("Sign-in locked until"))
    def locked_until(self, user: User) -> str | None:
        until = locked_until(user)
        return localize(timezone.localtime(until)) if until else None

    @admin.action(description=gettext_lazy("Let them sign in again (release the lock)"), permissions=["change"])
    def release_locks(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            release_lock(user)
        self.message_user(request, _("They can sign in again."), messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """To look at; keys are made and revoked on the developers' pages."""

    list_display = ["name", "prefix", "scope", "created_by", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["created_by"]
    exclude = ["digest"]
