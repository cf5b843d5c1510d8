"""`manage.py create_api_key`."""

from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.keys import create_key, end_of, is_name_used
from accounts.models import ApiKey
from customvision.forms import KeyForm
from customvision.management.key_command import KeyCommand

MOST_DAYS = 36_500


class Command(KeyCommand):
    help = "Make a key for a program, and print it: alone, on standard output, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="What it is for.")
        parser.add_argument("--scope", required=True, choices=ApiKey.Scope.values, help="What it opens.")
        parser.add_argument("--project", metavar="NAME-or-id", help="The only project that it opens (default: all).")
        parser.add_argument(
            "--expires", metavar="DATE|DAYS", help="Its last day, as 2027-12-31, or in so many days (default: never)."
        )

    def handle(self, *, name: str, scope: str, project: str | None, expires: str | None, **options: Any) -> None:
        self.check_name(name)
        only = self.find_project(project) if project else None
        expires_at = read_expiry(expires) if expires else None
        key, text = create_key(
            name=name, scope=scope, by=None, project_uid=only.uid if only else None, expires_at=expires_at
        )
        until = f"until {timezone.localtime(expires_at):%Y-%m-%d %H:%M}" if expires_at else "until it is revoked"
        self.stderr.write(f"Key {key} opens {key.get_scope_display()} of {only or 'all projects'}, {until}:")
        self.stdout.write(text)

    def check_name(self, name: str) -> None:
        """Raise CommandError for a name that cannot be, or that belongs to a key that works."""
        try:
            KeyForm.base_fields["name"].clean(name)
        except ValidationError as exc:
            raise CommandError(f"The name {name!r} cannot be: {' '.join(exc.messages)}", returncode=2) from exc
        if is_name_used(name):
            raise CommandError(f"A key named {name!r} works already; revoke it, or choose another name.", returncode=2)


def read_expiry(text: str) -> datetime:
    """Return the end of the day that the text names, or the moment after so many days. Raises CommandError."""
    now = timezone.now()
    if text.isdecimal() and 0 < int(text) <= MOST_DAYS:
        return now + timedelta(days=int(text))
    try:
        last_day = date.fromisoformat(text)
        end = end_of(last_day)
    except (ValueError, OverflowError) as exc:
        said = f"--expires is {text!r}; a day as 2027-12-31 or a number of days from 1 to {MOST_DAYS} is accepted."
        raise CommandError(said, returncode=2) from exc
    if end <= now:
        raise CommandError(f"{last_day} is over.", returncode=2)
    return end
