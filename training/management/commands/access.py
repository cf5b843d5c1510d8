"""`manage.py access`."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib.auth.models import Group
from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from accounts.models import User
from accounts.services import share
from training.commands import ProjectCommand
from training.models import Project
from training.services.projects import set_default

Row = TypeVar("Row", bound=Model)


class Command(ProjectCommand):
    help = "Say who may use a project beside developers and administrators, after what is asked for is changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        whom = parser.add_mutually_exclusive_group()
        whom.add_argument("--everybody", action="store_true", help="Let everybody who signs in use it.")
        whom.add_argument("--named", action="store_true", help="Let only those use it to whom it is granted.")
        names: dict[str, Any] = {"action": "append", "default": [], "metavar": "NAME"}
        parser.add_argument("--grant-user", **names, help="Grant it to this user.")
        parser.add_argument("--grant-group", **names, help="Grant it to this group.")
        parser.add_argument("--revoke-user", **names, help="Take it back from this user.")
        parser.add_argument("--revoke-group", **names, help="Take it back from this group.")
        parser.add_argument("--default", action="store_true", help="Offer it first to whoever may use it.")

    def handle(self, *, project: str, as_json: bool, **options: Any) -> None:
        chosen = self.get_project(project)
        users, groups = User.objects.all(), Group.objects.all()
        granted_users, granted_groups = set(chosen.granted_users), set(chosen.granted_groups)
        now_users = granted_users | find(users, "username", options["grant_user"])
        now_users -= find(users, "username", options["revoke_user"])
        now_groups = granted_groups | find(groups, "name", options["grant_group"])
        now_groups -= find(groups, "name", options["revoke_group"])
        is_open = options["everybody"] or (chosen.is_open and not options["named"])
        if (is_open, now_users, now_groups) != (chosen.is_open, granted_users, granted_groups):
            share(chosen, is_open=is_open, users=now_users, groups=now_groups)
        if options["default"]:
            set_default(chosen, is_default=True)
        self.tell(record(chosen), as_json=as_json, lines=lines(chosen))


def find(rows: QuerySet[Row], field: str, names: Sequence[str]) -> set[Row]:
    """Return the rows of those names. Raises CommandError."""
    found = {getattr(row, field): row for row in rows.filter(**{f"{field}__in": names})}
    if unknown := [repr(name) for name in names if name not in found]:
        raise CommandError(f"There is no {rows.model.__name__.lower()} {', '.join(unknown)}.", returncode=2)
    return set(found.values())


def record(project: Project) -> dict[str, Any]:
    return {
        "project": project.name,
        "open": project.is_open,
        "default": project.is_default,
        "users": [user.username for user in project.granted_users],
        "groups": [group.name for group in project.granted_groups],
    }


def lines(project: Project) -> list[str]:
    whom = "Everybody who signs in" if project.is_open else "Only those named here, developers and administrators"
    facts = [f"{whom} may use {project}."]
    facts += [f"  user   {user.username}" for user in project.granted_users]
    facts += [f"  group  {group.name}" for group in project.granted_groups]
    return facts + (["It is offered first."] if project.is_default else [])
