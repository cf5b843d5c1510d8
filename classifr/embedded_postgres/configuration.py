"""What the embedded server is told beside what `initdb` wrote."""

import tempfile
from pathlib import Path

from classifr.embedded_postgres.account import Account
from classifr.embedded_postgres.postmaster import read_postmaster

LONGEST_SOCKET = 107 - len("/.s.PGSQL.5432")  # bytes of a folder's path: the kernel's 108, with a zero at the end
INCLUDE = "include 'classifr.conf'\n"
CONFIGURATION = """\
# Written by Classifr at each start.
listen_addresses = ''
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0700

# A week of logs, each day in the place of the one a week ago; no statement, which may hold a photo.
logging_collector = on
log_directory = 'logs'
log_filename = 'postgresql-%u.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""
_LEFT_BY_THE_WHEELS_HELPER = ("log", ".handle_pids.json")


def configure(data: Path, *, account: Account, client: str) -> None:
    """Write the server's files of configuration: who runs the server and `client` may connect, each as `postgres`.

    client: the name of a user of this machine. The server must not run.
    """
    for name in _LEFT_BY_THE_WHEELS_HELPER:
        (data / name).unlink(missing_ok=True)
    main = data / "postgresql.conf"
    if INCLUDE not in (written := main.read_text()):
        main.write_text(written + "\n" + INCLUDE)
    folder = _socket_folder(data, account=account)
    (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # its number may be another process's by now
    quoted = '"' + str(folder).replace("'", "''").replace('"', '""') + '"'
    identities = "".join(f'classifr "{name}" postgres\n' for name in sorted({account.name, client}))
    for name, content in {
        "classifr.conf": CONFIGURATION.format(socket_folder=quoted),
        "pg_hba.conf": "local all all peer map=classifr\n",
        "pg_ident.conf": identities,
    }.items():
        path = data / name
        path.write_text(content)
        path.chmod(0o600)
        account.own(path)


def _socket_folder(data: Path, *, account: Account) -> Path:
    """Return a folder for the server's socket that nobody else may enter: the data's, if its path is short enough."""
    if len(bytes(data)) <= LONGEST_SOCKET:
        return data
    last = read_postmaster(data)
    if last and last.socket_folder and _is_private(last.socket_folder, account):
        return last.socket_folder
    folder = Path(tempfile.mkdtemp(prefix="classifr-"))  # mode 0700; in $TMPDIR
    account.own(folder)
    return folder


def _is_private(folder: Path, account: Account) -> bool:
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return folder.is_dir() and not folder.is_symlink() and facts.st_uid == account.uid and not facts.st_mode & 0o077
