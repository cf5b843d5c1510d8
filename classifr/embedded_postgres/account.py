"""As whom the embedded server runs: as us, or, as PostgreSQL refuses to be root, as a user without rights."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifr.embedded_postgres.exceptions import NotServing

NAME = "classifr-postgres"
PASSAGE = """\
set -e
umask 022
options=$1 closed=$2 var=$3 programs=$4; shift 4
exec 8<"$var" 9<"$programs"
printf %s "$closed" | while IFS= read -r folder; do mount -t tmpfs none "$folder"; done
mkdir -p "$var" "$programs"
mount --no-canonicalize --bind /proc/self/fd/8 "$var"
mount --no-canonicalize --bind /proc/self/fd/9 "$programs"
exec setpriv $options -- "$@" 8<&- 9<&-
"""
"""Shows a program two folders through closed ones, in a view of the files of its own: no mode is changed."""


@dataclass(frozen=True)
class Account:
    """A user of this machine, and how a program of theirs gets at its folders."""

    name: str
    uid: int
    gid: int
    var: Path
    programs: Path
    closed: tuple[Path, ...] = ()
    """Folders above those two in which that user may not pass."""

    def command(self, *arguments: str) -> tuple[list[str], dict[str, Any]]:
        """Return what to run for the program to run as that user, and how `subprocess` is to run it."""
        if self.uid == os.geteuid():
            return list(arguments), {}
        if not self.closed:
            return list(arguments), self._identity
        folders = "".join(f"{folder}\n" for folder in self.closed)
        options = f"--reuid={self.uid} --regid={self.gid} --clear-groups"
        passage = ["unshare", "--mount", "--propagation=private", "sh", "-c", PASSAGE, "sh"]
        return [*passage, options, folders, str(self.var), str(self.programs), *arguments], {}

    def own(self, path: Path) -> None:
        """Give a file or a folder of ours to that user."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)

    @property
    def _identity(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def first_closed(self, path: Path) -> Path | None:
        """Return the outermost folder on the way into that path in which that user may not pass."""
        for folder in reversed([path, *path.parents]):
            if subprocess.run(["test", "-x", str(folder)], check=False, **self._identity).returncode:  # noqa: S603, S607
                return folder
        return None


def account_for(data: Path, *, programs: Path) -> Account:
    """Return as whom to run the server on that folder, which need not be there. Raises NotServing.

    programs: the folder below which PostgreSQL's programs and libraries are.
    """
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise NotServing(f"{data} belongs to {_name(owner)}: run Classifr as that user, or set CLASSIFR_VAR.")
        return _account(pwd.getpwuid(owner), data.parent, programs)
    # Whoever has run it until now as somebody else can go on.
    entry = pwd.getpwuid(owner) if owner else _unprivileged()
    account = _account(entry, data.parent, programs)
    account.var.chmod(account.var.stat().st_mode | stat.S_IXOTH)  # its contents have modes of their own
    closed = {folder for path in (account.var, programs) if (folder := account.first_closed(path))}
    return _with_passage(account, closed) if closed else account


def _with_passage(account: Account, closed: Iterable[Path]) -> Account:
    """Return the account that passes all the same. Raises NotServing where the kernel does not allow it."""
    passing = Account(account.name, account.uid, account.gid, account.var, account.programs, tuple(sorted(closed)))
    command, options = passing.command("test", "-x", str(account.var))
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)  # noqa: S603
    if done.returncode:
        raise NotServing(
            f"Classifr runs as root, so its PostgreSQL runs as the user {account.name}, who may not pass through "
            f"{passing.closed[0]} ({done.stderr.strip()}). Put Classifr and the folder that CLASSIFR_VAR names "
            "elsewhere, run Classifr as an ordinary user, or set DATABASE_URL."
        )
    return passing


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, "--user-group", NAME], check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as exc:
        raise NotServing(
            f"PostgreSQL does not run as root, and the user {NAME} could not be made for it "
            f"({getattr(exc, 'stderr', '') or exc}). Run Classifr as an ordinary user, or set DATABASE_URL."
        ) from exc
    return pwd.getpwnam(NAME)


def _account(entry: pwd.struct_passwd, var: Path, programs: Path) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, var, programs)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"
