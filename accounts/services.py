"""Steps on users that commands take."""

import secrets

from django.contrib.auth.models import Group

from accounts.models import REVIEWERS, User


def create_first_users(passwords: dict[str, str]) -> dict[str, str]:
    """Create the users `reviewer` and `client` where they are missing; return the random passwords that were made.

    passwords: by username, what the environment asks for; "" or absent means a random one. An existing user is left
    as is, and their password cannot be read again.
    """
    made: dict[str, str] = {}
    for username in ("reviewer", "client"):
        if User.objects.filter(username=username).exists():
            continue
        given = passwords.get(username, "")
        password = given or secrets.token_urlsafe(12)
        is_reviewer = username == "reviewer"
        user = User.objects.create_user(username, password=password, is_staff=is_reviewer)
        if is_reviewer:
            user.groups.add(Group.objects.get(name=REVIEWERS))
        if not given:
            made[username] = password
    return made
