"""A site with something of everything, its backup, and places where it may come back."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from django.db import connection

from tests import factories
from tests.classifr.backups.place import PASSWORD, Place


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A site with something of everything, on the embedded server and with files."""
    place = Place(tmp_path_factory.mktemp("site") / "var")
    done = place.run("-m", "tests.classifr.a_site", "fill")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="session")
def backup(site: Place) -> Path:
    path = site.folder.parent / "site.tar.gz"
    site.manage("backup", path)
    return path


@pytest.fixture(scope="session")
def told(site: Place) -> dict[str, Any]:
    """What there is on the site."""
    return site.tell()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(factories.make_photo(seed=103))
    return path


@pytest.fixture
def server(django_db_setup: None) -> Iterator[psycopg2.extensions.connection]:
    """An administrator on the tests' own server."""
    params = connection.get_connection_params()
    admin = psycopg2.connect(host=params["host"], user=params["user"], dbname="postgres")
    admin.autocommit = True
    yield admin
    admin.close()


@pytest.fixture
def elsewhere(server: psycopg2.extensions.connection, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Make a folder and a database without anything in it."""
    info = server.info
    names: list[str] = []

    def make() -> Place:
        names.append(f"elsewhere_{os.getpid()}_{len(names)}")
        server.cursor().execute(f"CREATE DATABASE {names[-1]} TEMPLATE template0")
        return Place(tmp_path / names[-1], DATABASE_URL=f"postgres://{info.user}@/{names[-1]}?host={info.host}")

    yield make
    for name in names:
        server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owned_database(server: psycopg2.extensions.connection) -> Iterator[str]:
    """The URL of an empty database whose owner has to give a password and is nobody else on the server."""
    host, cursor = server.info.host, server.cursor()
    cursor.execute("SHOW hba_file")
    [(file,)] = cursor.fetchall()
    allowed = Path(file).read_text()
    Path(file).write_text(f"local all classifr_owner scram-sha-256\n{allowed}")
    cursor.execute("CREATE ROLE classifr_owner LOGIN PASSWORD %s", [PASSWORD])
    cursor.execute("CREATE DATABASE owned OWNER classifr_owner TEMPLATE template0")
    cursor.execute("SELECT pg_reload_conf()")
    with psycopg2.connect(host=host, user=server.info.user, dbname="owned") as owned:
        owned.cursor().execute("CREATE EXTENSION vector")
    owned.close()
    yield f"postgres://classifr_owner:{quote(PASSWORD)}@/owned?host={host}"
    Path(file).write_text(allowed)
    cursor.execute("DROP DATABASE owned WITH (FORCE)")
    cursor.execute("DROP ROLE classifr_owner")
    cursor.execute("SELECT pg_reload_conf()")
