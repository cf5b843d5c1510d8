"""The Django admin's pages of users and of keys."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, User
from web.read_only import ReadOnlyAdmin


@admin.register(User)
class ClassifrUserAdmin(UserAdmin[User]):
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("Appearance"), {"fields": ("language", "theme")}))


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """To look at; keys are made and revoked on the developers' pages."""

    list_display = ["name", "prefix", "scope", "created_by", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["created_by"]
    exclude = ["digest"]
