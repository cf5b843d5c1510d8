"""`manage.py unlock`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.sign_ins import release_lock


class Command(BaseCommand):
    help = "Let somebody sign in again whose name is locked after too many wrong passwords."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="The username.")

    def handle(self, *, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.", returncode=2)
        was_locked = release_lock(user)
        self.stdout.write(f"{user} can sign in again." if was_locked else f"{user} was not locked.")
