"""The Django admin's page of verdicts, to read."""

from django.contrib import admin
from django.http import HttpRequest

from feedback.models import Verdict


@admin.register(Verdict)
class VerdictAdmin(admin.ModelAdmin[Verdict]):
    list_display = ["created_at", "user", "value", "prediction"]
    list_select_related = ["user", "prediction"]
    list_filter = ["value"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Verdict | None = None) -> bool:
        return False
