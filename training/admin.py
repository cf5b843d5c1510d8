"""The Django admin's pages of projects, for administrators."""

from django.contrib import admin

from training.models import Iteration, Project, Tag
from web.read_only import ReadOnlyAdmin


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin[Project]):
    list_display = ["name", "domain", "backend", "live_iteration"]
    fields = ["name", "description", "domain", "type", "backend", "remote_id", "live_iteration", "created_at"]
    list_select_related = ["live_iteration"]


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin[Tag]):
    list_display = ["name", "project"]
    fields = ["name", "project", "description", "type"]
    list_select_related = ["project"]
    list_filter = ["project"]
    search_fields = ["name"]


@admin.register(Iteration)
class IterationAdmin(ReadOnlyAdmin[Iteration]):
    list_display = ["name", "project", "backbone", "created_at"]
    fields = [
        "name",
        "project",
        "status",
        "backbone",
        "publish_name",
        "created_by",
        "created_at",
        "trained_at",
        "training_seconds",
        "error",
    ]
    list_select_related = ["project"]
