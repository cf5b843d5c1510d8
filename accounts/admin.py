"""The Django admin's page of users."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import User


@admin.register(User)
class ClassifrUserAdmin(UserAdmin[User]):
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("Appearance"), {"fields": ("language", "theme")}))
