"""The random passwords of the first users, in a file of whoever starts Classifr, until each has signed in once."""

import fcntl
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password

from accounts.models import User

logger = logging.getLogger(__name__)


def store(passwords: Mapping[str, str]) -> None:
    """Write them, by username, for the owner of the file alone."""
    path().touch(mode=0o600)
    path().write_text(_text(passwords))


def read() -> dict[str, str]:
    """Return those that still open something; what was changed meanwhile is forgotten. Takes a hash for each."""
    try:
        stored = _parsed(path().read_text())
    except FileNotFoundError:
        return {}
    hashes = dict(User.objects.filter(username__in=stored, is_active=True).values_list("username", "password"))
    changed = [name for name, password in stored.items() if not check_password(password, hashes.get(name, ""))]
    forget(changed)
    return {name: password for name, password in stored.items() if name not in changed}


def forget(usernames: Iterable[str]) -> None:
    """Take these people's lines out, and the file with the last line. A file that cannot be changed is logged."""
    try:
        with path().open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # of others who sign in at the same moment
            stored = _parsed(file.read())
            left = {name: password for name, password in stored.items() if name not in set(usernames)}
            file.seek(0)
            file.truncate()
            file.write(_text(left))
            if not left:
                path().unlink(missing_ok=True)
    except FileNotFoundError:
        return  # as nearly always
    except OSError as exc:
        logger.warning("Could not take a line out of file=%s: %s", path(), exc.strerror)


def path() -> Path:
    folder: Path = settings.CLASSIFR_VAR
    return folder / "first-passwords"


def _text(passwords: Mapping[str, str]) -> str:
    return "".join(f"{name} {password}\n" for name, password in passwords.items())


def _parsed(text: str) -> dict[str, str]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
