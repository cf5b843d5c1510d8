"""`manage.py list_api_keys`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from accounts.models import ApiKey
from customvision.management.key_command import KeyCommand
from training.models import Project


class Command(KeyCommand):
    help = "List the keys of programs, newest first; their texts are kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON, for programs.")

    def handle(self, *, as_json: bool, **options: Any) -> None:
        names = dict(Project.objects.values_list("uid", "name"))
        records = [_record(key, names) for key in ApiKey.objects.all()]
        if as_json:
            self.stdout.write(json.dumps(records, ensure_ascii=False, cls=DjangoJSONEncoder))
            return
        for key in records:
            project = "all projects" if key["project_id"] is None else key["project"] or "a project that is gone"
            self.stdout.write(f"{key['prefix']}  {key['state']:8}  {key['scope']:10}  {key['name']} ({project})")


def _record(key: ApiKey, names: dict[Any, str]) -> dict[str, Any]:
    state = "revoked" if key.revoked_at else "works" if key.is_usable else "expired"
    moments = ("created_at", "last_used_at", "expires_at", "revoked_at")
    return {
        "prefix": key.prefix,
        "name": key.name,
        "state": state,
        "scope": key.scope,
        "project_id": key.project_uid,
        "project": names.get(key.project_uid),
        **{name: getattr(key, name) for name in moments},
    }
