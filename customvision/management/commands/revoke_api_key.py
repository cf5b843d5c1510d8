"""`manage.py revoke_api_key`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from accounts.keys import KIND, PREFIX_LENGTH, revoke_key
from accounts.models import ApiKey
from customvision.management.key_command import KeyCommand


class Command(KeyCommand):
    help = "Let a key open nothing any more, for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", metavar="PREFIX-or-NAME", help="The key's first 12 characters, or its name.")

    def handle(self, *, key: str, **options: Any) -> None:
        chosen = self.find_key(key)
        revoke_key(chosen)
        self.stdout.write(f"Revoked {chosen}.")

    def find_key(self, prefix_or_name: str) -> ApiKey:
        """Return the one key that is not revoked and goes by that. Raises CommandError."""
        # Whoever pastes the whole key means it: its text must come back in no message.
        asked = prefix_or_name[:PREFIX_LENGTH] if prefix_or_name.startswith(KIND) else prefix_or_name
        known = ApiKey.objects.filter(Q(prefix=asked) | Q(name__iexact=asked))
        usable = list(known.filter(revoked_at=None))
        if len(usable) > 1:
            which = ", ".join(str(key) for key in usable)
            raise CommandError(f"{asked!r} names several keys: {which}. Say which by its prefix.", returncode=2)
        if not usable:
            reason = "is revoked already" if known.exists() else "is the prefix or name of no key"
            raise CommandError(f"{asked!r} {reason}.", returncode=2)
        return usable[0]
