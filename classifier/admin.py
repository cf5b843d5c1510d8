"""The Django admin's page of predictions, to read."""

from django.contrib import admin

from classifier.models import Prediction
from web.read_only import ReadOnlyAdmin


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin[Prediction]):
    list_display = ["created_at", "user", "project", "iteration_name", "top_tag", "top_probability", "milliseconds"]
    fields = ["created_at", "user", "project", "iteration", "top_tag", "top_probability", "milliseconds"]
    list_select_related = ["user", "project"]
    list_filter = ["project", "iteration_name"]
    show_full_result_count = False
