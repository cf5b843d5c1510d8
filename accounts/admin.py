"""The Django admin's pages of users and of keys."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, User


@admin.register(User)
class ClassifrUserAdmin(UserAdmin[User]):
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("Appearance"), {"fields": ("language", "theme")}))


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """To look at; keys are made and revoked on the developers' pages."""

    list_display = ["name", "prefix", "scope", "created_by", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["created_by"]
    exclude = ["digest"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False
