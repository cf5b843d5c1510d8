"""`manage.py prepare`."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts import first_passwords
from accounts.services import create_first_users


class Command(BaseCommand):
    help = "Bring database, starter model and first users up to date; a second time changes nothing."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-passwords", action="store_true", help="Do not print those of the first users.")

    def handle(self, *, no_passwords: bool, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_starter", stdout=self.stdout)
        passwords = {
            "reviewer": settings.CLASSIFR_REVIEWER_PASSWORD,
            "client": settings.CLASSIFR_CLIENT_PASSWORD,
            "developer": settings.CLASSIFR_DEVELOPER_PASSWORD,
        }
        if made := create_first_users(passwords):
            first_passwords.store(made)
        if not no_passwords and (shown := first_passwords.read()):
            self.stdout.write(box(shown))


def box(passwords: Mapping[str, str]) -> str:
    """Frame the users and their passwords, and say what becomes of them; in ASCII, for terminals of all kinds."""
    width = max(map(len, passwords))
    lines = [
        *(f"{name:{width}}  {password}" for name, password in passwords.items()),
        "",
        "Each line stays here, and in",
        str(first_passwords.path()),
        "until that user has signed in once. Another password:",
        ".venv/bin/python manage.py changepassword NAME",
    ]
    widest = max(map(len, lines))
    edge = f"+{'-' * (widest + 2)}+"
    return "\n".join([edge, *(f"| {line:{widest}} |" for line in lines), edge])
