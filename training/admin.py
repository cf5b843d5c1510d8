"""The Django admin's pages of projects, for administrators."""

from django.contrib import admin
from django.http import HttpRequest

from training.models import Iteration, Project, Tag


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ["name", "domain", "backend", "live_iteration"]
    list_select_related = ["live_iteration"]
    readonly_fields = ["live_iteration"]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ["name", "project"]
    list_select_related = ["project"]
    list_filter = ["project"]
    search_fields = ["name"]


@admin.register(Iteration)
class IterationAdmin(admin.ModelAdmin[Iteration]):
    list_display = ["name", "project", "backbone", "created_at"]
    list_select_related = ["project"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Iteration | None = None) -> bool:
        return False
