"""`manage.py prepare`."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.services import create_first_users


class Command(BaseCommand):
    help = "Bring database, starter model and first users up to date; a second time changes nothing."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_starter", stdout=self.stdout)
        passwords = {
            "reviewer": settings.CLASSIFR_REVIEWER_PASSWORD,
            "client": settings.CLASSIFR_CLIENT_PASSWORD,
        }
        for username, password in create_first_users(passwords).items():
            self.stdout.write(f"User {username}, password {password} (shown this once)")
