"""What tests stand on: a real PostgreSQL, a real Azurite, real photographs where they are.

What a machine lacks is a skip with its reason; with CLASSIFR_TEST_EVERYTHING=1 it is an error.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import translation
from pytest_django import DjangoDbBlocker, Settings

import classifier.backends
import training.backends
from accounts.models import User
from tests import factories
from tests.azurecv.azure import RecordedAzure
from tests.azurite import Azurite
from tests.emptying import empty_tables
from training.models import Project
from training.services.starter import install_starter


def lacking(what: str) -> NoReturn:
    """Skip the test for want of that, or fail where everything is to be tested."""
    if os.environ.get("CLASSIFR_TEST_EVERYTHING") == "1":
        pytest.fail(f"{what} is missing, and everything is to be tested")
    pytest.skip(f"{what} is missing")


def pytest_configure() -> None:
    """Let files be static under their own names, throughout.

    Were each test to set it, a request that a browser left behind between two tests would keep the site's own way.
    """
    django_settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long value by its length: by itself it would go from process to process, 20 MB for one test."""
    return f"{len(val)} long" if isinstance(val, bytes | str) and len(val) > 100 else None


@pytest.fixture(scope="session")
def food101() -> Path:
    """The folder of Food-101 photographs that CLASSIFR_FOOD101 names."""
    folder = Path(os.environ.get("CLASSIFR_FOOD101", "/nonexistent"))
    if not (folder / "starter" / "test").is_dir():
        lacking("The folder of photographs that CLASSIFR_FOOD101 names")
    return folder


@pytest.fixture(autouse=True)
def blobs(settings: Settings, tmp_path: Path) -> Path:
    """Local blobs in a folder of the test's own; thumbnails too."""
    folder = tmp_path / "blobs"
    backend = {"BACKEND": "catalog.storage.LocalBlobs", "OPTIONS": {"location": folder}}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    settings.CACHES = {
        name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path / name)}
        for name in ("default", "thumbnails")
    }
    return folder


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """A password's hash is slow on purpose: a third of a second for each user that a test makes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def unproven(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing proves the package by running it, which takes half a second: only where a test is marked `proven`."""
    if "proven" not in request.keywords:
        monkeypatch.setattr("training.packages.check_fit_to_answer", lambda iteration: None)


@pytest.fixture(autouse=True)
def fresh_backends() -> None:
    """Backends keep their connections as long as their process lives; each test has settings of its own."""
    classifier.backends.registry.forget()
    training.backends.registry.forget()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The tests' own server does not wait for the disk.

    At the end, what server threads hold whose client never hung up is ended: the database could not go.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"ALTER SYSTEM SET {name} TO off")
        cursor.execute("SELECT pg_reload_conf()")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def hangups() -> Iterator[None]:
    """Hang-ups are heard by this process and by those that it starts, also where nohup runs the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def in_english() -> Iterator[None]:
    """Sentences are matched as they stand in the code."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """The connection string of a running Azurite, Microsoft's emulator of the blob storage."""
    server = start_azurite()
    yield server.connection_string
    server.end()


def start_azurite() -> Azurite:
    """Start an Azurite of the caller's own, who ends it."""
    if shutil.which("azurite-blob") is None:
        lacking("Azurite (npm's `azurite`)")
    return Azurite()


@pytest.fixture
def azure_blobs(azurite: str, settings: Settings, blobs: Path, tmp_path: Path) -> None:
    """The blob storage is a container of the test's own in Azurite."""
    options = {
        "connection_string": azurite,
        "azure_container": f"test-{os.getpid()}-{abs(hash(tmp_path)) % 10**8}",
        "overwrite_files": True,
        "timeout": 20,
    }
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "catalog.azure_blobs.AzureBlobs", "OPTIONS": options}
    }


@pytest.fixture(params=["local", "azure"])
def any_blobs(request: pytest.FixtureRequest) -> str:
    """Each storage in turn."""
    if request.param == "azure":
        request.getfixturevalue("azure_blobs")
    return str(request.param)


@pytest.fixture
def recorded_azure(settings: Settings) -> Iterator[RecordedAzure]:
    """A server that speaks like Azure's prediction service, and the settings that lead to it."""
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = "a-key"
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "My iteration"
    yield azure
    azure.close()


@pytest.fixture
def food_project(db: None) -> Project:
    """The starter project, as `manage.py load_starter` makes it."""
    return install_starter()[0].project


@pytest.fixture
def person(db: None) -> User:
    return factories.make_user()


@pytest.fixture
def reviewer(db: None) -> User:
    return factories.make_reviewer()


@pytest.fixture
def developer(db: None) -> User:
    return factories.make_developer()


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Make a browser without JavaScript in which that person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client(headers={"accept-language": "fr"})
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def storage_refuses(settings: Settings, blobs: Path, tmp_path: Path) -> None:
    """The folder of blobs is a file from here on: nothing can be written, read or deleted in it."""
    (tmp_path / "taken").write_bytes(b"")
    backend = {"BACKEND": "catalog.storage.LocalBlobs", "OPTIONS": {"location": tmp_path / "taken"}}
    settings.STORAGES = settings.STORAGES | {"default": backend}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The folder of a disk of 1 MiB; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"]
    mounted = subprocess.run(["mount", *options, folder], capture_output=True) if os.geteuid() == 0 else None
    if mounted is None or mounted.returncode:
        pytest.skip("only root can make a disk that is full soon")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
