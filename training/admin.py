"""The Django admin's pages of projects, for administrators."""

from django.contrib import admin

from training.models import Iteration, Project, Tag


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ["name", "domain", "prediction_backend", "live_iteration"]
    list_select_related = ["live_iteration"]
    raw_id_fields = ["live_iteration"]


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
    readonly_fields = ["project", "number", "backbone", "head_key", "metrics", "created_at"]
