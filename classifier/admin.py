"""The Django admin's page of predictions, to read."""

from django.contrib import admin
from django.http import HttpRequest

from classifier.models import Prediction


@admin.register(Prediction)
class PredictionAdmin(admin.ModelAdmin[Prediction]):
    list_display = ["created_at", "user", "project", "iteration_name", "top_tag", "top_probability", "milliseconds"]
    list_select_related = ["user", "project"]
    list_filter = ["project", "iteration_name"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Prediction | None = None) -> bool:
        return False
