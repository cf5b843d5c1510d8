"""The Django admin's pages of users and of keys."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.exceptions import LastAdministrator
from accounts.forms import SuccessionForm
from accounts.keys import revoke_keys_of
from accounts.models import ApiKey, User
from accounts.roles import MAY_HAVE_KEYS, role_of
from accounts.sentences import LAST_ADMINISTRATOR, revoked_keys, stopped_keys
from accounts.services import deactivate_users
from accounts.sign_ins import locked_until, release_lock
from web.read_only import ReadOnlyAdmin


class PermissionField(ModelMultipleChoiceField[Permission]):
    def label_from_instance(self, permission: Permission) -> str:
        return _(permission.name)


class OurPermissions(admin.options.BaseModelAdmin[Any]):
    """Offers the permissions that roles are made of: nothing in Classifr asks for Django's, which are in English."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.remote_field.model is Permission:
            ours = Permission.objects.filter(content_type__app_label="accounts", codename__in=("review", "develop"))
            options = {"form_class": PermissionField, "queryset": ours, **options}
        return super().formfield_for_manytomany(db_field, request, **options)


@admin.register(User)
class ClassifrUserAdmin(OurPermissions, UserAdmin[User]):
    """People. Whoever is deactivated or deleted takes their keys along, unless another developer gets them."""

    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (gettext_lazy("Sign-in"), {"fields": ("locked_until",)}),
        (gettext_lazy("Appearance"), {"fields": ("language", "theme", "uses_keys")}),
    )
    readonly_fields = ("last_login", "date_joined", "locked_until")
    filter_horizontal = ()  # its script makes fields without names for those who do not see
    actions = ("deactivate", "release_locks")

    @admin.display(description=gettext_lazy("Sign-in locked until"))
    def locked_until(self, user: User) -> str:
        until = locked_until(user)
        return localize(timezone.localtime(until)) if until else "-"

    @admin.action(description=gettext_lazy("Deactivate…"), permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Show the keys of these people, each with who may get it; once that is confirmed, deactivate them."""
        if any(user == request.user for user in users):
            self.message_user(request, _("You cannot deactivate yourself."), messages.ERROR)
            return None
        form = SuccessionForm(request.POST if "confirmed" in request.POST else None, users=users)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "users": users, "form": form, "opts": self.opts}
            return render(request, "accounts/deactivate.html", {**context, "title": _("Deactivate?")})
        try:
            stopped = deactivate_users(list(users), successors=form.successors)
        except LastAdministrator:
            self.message_user(request, LAST_ADMINISTRATOR, messages.ERROR)
            return None
        self.message_user(request, stopped_keys(stopped), messages.WARNING)
        return None

    @admin.action(description=gettext_lazy("Let them sign in again (release the lock)"), permissions=["change"])
    def release_locks(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            release_lock(user)
        self.message_user(request, _("They can sign in again."), messages.SUCCESS)

    def get_readonly_fields(self, request: HttpRequest, user: User | None = None) -> Sequence[str]:  # type: ignore[override]
        """Who changes users stays who they are: so an administrator is left, and nobody is locked out by a slip."""
        own = ("is_active", "is_superuser") if user == request.user else ()
        return (*self.readonly_fields, *own)

    def has_delete_permission(self, request: HttpRequest, user: User | None = None) -> bool:
        return super().has_delete_permission(request, user) and user != request.user

    def save_model(self, request: HttpRequest, user: User, form: ModelForm[User], change: bool) -> None:  # noqa: FBT001  # Django's
        super().save_model(request, user, form, change)
        if change and "is_active" in form.changed_data and not user.is_active:
            stopped = ApiKey.objects.not_revoked_of([user]).count()
            self.message_user(request, stopped_keys(stopped), messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  # Django's
        super().save_related(request, form, formsets, change)
        user = form.instance
        if role_of(user) not in MAY_HAVE_KEYS and (revoked := revoke_keys_of([user])):
            self.message_user(request, revoked_keys(revoked), messages.WARNING)

    def delete_model(self, request: HttpRequest, user: User) -> None:
        revoke_keys_of([user])
        super().delete_model(request, user)

    def delete_queryset(self, request: HttpRequest, users: QuerySet[User]) -> None:
        revoke_keys_of(users)
        super().delete_queryset(request, users)


admin.site.unregister(Group)


@admin.register(Group)
class ClassifrGroupAdmin(OurPermissions, GroupAdmin):
    """What roles are made of."""

    filter_horizontal = ()


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """To look at; keys are made and revoked on the developers' pages."""

    list_display = ["name", "prefix", "scope", "owner", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["owner"]
    exclude = ["digest"]
