"""The Django admin's page of verdicts, to read."""

from django.contrib import admin

from feedback.models import Verdict
from web.read_only import ReadOnlyAdmin


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin[Verdict]):
    list_display = ["created_at", "user", "value", "prediction"]
    list_select_related = ["user", "prediction"]
    list_filter = ["value"]
    show_full_result_count = False
