"""`manage.py check`: Django's, and what database the site stands on."""

from typing import Any

from django.core.management.commands import check
from django.db import connections
from django.utils import timezone

from classifr.embedded_postgres.base import DatabaseWrapper
from classifr.embedded_postgres.programs import RELEASED, VERSION


class Command(check.Command):
    def handle(self, *app_labels: Any, **options: Any) -> None:
        super().handle(*app_labels, **options)
        if isinstance(connections["default"], DatabaseWrapper):
            age = (timezone.localdate() - RELEASED).days
            self.stdout.write(
                f"Embedded PostgreSQL {VERSION} of {RELEASED}, {age} days old; a newer Classifr brings newer ones."
            )
