"""Settings that are wrong stop the start; every setting is documented."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from classifr import environment as env
from tests.ports import free_port

ROOT = Path(settings.BASE_DIR)
GUNICORN = "classifr/gunicorn.py"


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    code = "from classifr import settings; print(repr(settings.SECRET_KEY))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, cwd=ROOT)


SOURCE = (ROOT / "classifr" / "settings.py").read_text()
SECRETS = sorted(set(re.findall(r'\bsecret\("([A-Z_]+)"', SOURCE)))
OTHERS = sorted(set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', SOURCE)))
REFUSING_SECRETS = {"CLASSIFR_AZURE_CONNECTION_STRING", "DATABASE_URL"}
ANY_TEXT = {
    "CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID",
    "CLASSIFR_CUSTOMVISION_PUBLISH_NAME",
    "CLASSIFR_PROJECT",
}
NONSENSE = (
    "nonsense ?!",
    "-1",
    "1e99",
    "[",
    "http://",
    "http://[",
    "99999999999999999999",
    "𝟘",
    "a=b;c",
    "/../..",
    ",",
    "~nobody-at-all/x",
    "/dev/null/x",
    "x" * 5000,
)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Read the settings from an environment that is empty but for what is given."""

    def read(**environment: str) -> dict[str, Any]:
        for name in (*SECRETS, *OTHERS):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(f"{name}_FILE", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(env, "load_dotenv", lambda path: None)
        return runpy.run_path(str(ROOT / "classifr" / "settings.py"))

    return read


@pytest.mark.parametrize("name", SECRETS + OTHERS)
def test_nonsense_is_refused_by_name_or_means_something(reads: Callable[..., dict[str, Any]], name: str) -> None:
    refusals = []
    for value in NONSENSE:
        try:
            reads(**{name: value})
        except env.SettingRefused as refusal:
            refusals.append(str(refusal))

    assert [each for each in refusals if not each.startswith(name)] == []
    assert bool(refusals) == (name not in ANY_TEXT and (name in OTHERS or name in REFUSING_SECRETS))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALLOWED_HOSTS", "https://a.example.org", "without scheme and port"),
        ("ALLOWED_HOSTS", "a.example.org, a.example.org:80", "without scheme and port"),
        ("ALLOWED_HOSTS", "::1", "[2001:db8::1]"),
        ("CSRF_TRUSTED_ORIGINS", "a.example.org", "origins such as https://"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example.org/classifr", "without a path"),
        ("CLASSIFR_URL_FETCH_ALLOW", "localhost:80", "without ports"),
        ("CLASSIFR_URL_FETCH_ALLOW", "10.0.0.0/99", "networks such as"),
        ("CLASSIFR_PATH_PREFIX", "/classifr/", "without a slash at its end"),
        ("CLASSIFR_PATH_PREFIX", "classifr", "such as /classifr"),
        ("TIME_ZONE", "Paris", "Europe/Paris"),
        ("CLASSIFR_AZURE_CONTAINER", "My_Photos", "small letters"),
        ("CLASSIFR_AZURE_CONTAINER", "a--b", "single hyphens"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=a;AccountKey=s3cr*t", "base64"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=a", "no AccountKey"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=a;AccountKey=", "no AccountKey"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=;AccountKey=czNjcg==", "no AccountName"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=a b;AccountKey=czNjcg==", "an address such as"),
        ("CLASSIFR_AZURE_CONNECTION_STRING", "AccountName=a;AccountKey=czNjcg==;EndpointSuffix=[", "an address"),
        ("CLASSIFR_PORT", "eighty", "from 1 to 65535"),
        ("CLASSIFR_THREADS", "0", "from 1"),
        ("ALLOWED_HOSTS", " , ", "without scheme and port"),
        ("CLASSIFR_VAR", __file__, "the path of a folder"),
        ("CLASSIFR_STATIC", "~nobody-at-all/static", "the path of a folder"),
        ("DEBUG", "perhaps", "true or false"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "only PostgreSQL"),
        ("DATABASE_URL", "mysql://user:s3cr-t@host/name", "only PostgreSQL"),
        ("DATABASE_URL", "postgres://user:s3cr#t@host/name", "%23"),
        ("DATABASE_URL", "postgres://user:s3cr?t@host/name", "%3F"),
        ("DATABASE_URL", "postgres://user:s3cr/t@host/name", "%2F"),
        ("DATABASE_URL", "postgres://user:s3cr-t@host", "host:5432/name"),
        ("DATABASE_URL", "postgres://user:s3cr%zz@host/name", "%25"),
        ("DATABASE_URL", "postgres://user:s3cr-t@host/name?conn_max_age=60", "options of PostgreSQL's own"),
        ("DATABASE_URL_FILE", "/nowhere", "No such file"),
    ],
)
def test_what_is_accepted_is_said_and_no_secret(
    reads: Callable[..., dict[str, Any]], name: str, value: str, said: str
) -> None:
    with pytest.raises(env.SettingRefused, match=re.escape(said)) as caught:
        reads(**{name: value})

    assert name in str(caught.value)
    assert "s3cr" not in str(caught.value)


def test_what_is_around_the_items_of_a_list_is_not_theirs(reads: Callable[..., dict[str, Any]]) -> None:
    found = reads(
        ALLOWED_HOSTS=" a.example.org, .b.example.org ,[::1], *",
        CSRF_TRUSTED_ORIGINS=" https://a.example.org/ , https://*.b.example.org:8443",
        CLASSIFR_URL_FETCH_ALLOW=" pictures.intranet , 10.1.2.3/16",
        CLASSIFR_PORT=" 81 ",
    )

    assert found["ALLOWED_HOSTS"] == ["a.example.org", ".b.example.org", "[::1]", "*"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://a.example.org", "https://*.b.example.org:8443"]
    assert found["CLASSIFR_URL_FETCH_ALLOW"] == ["pictures.intranet", "10.1.0.0/16"]
    assert found["CLASSIFR_PORT"] == 81


@pytest.mark.parametrize(
    ("url", "password", "host"),
    [
        ("postgres://user:s%23%3F%2F%40@db.example.org:5433/name", "s#?/@", "db.example.org"),
        ("postgresql://user@/name?host=/run/postgresql", "", ""),
    ],
)
def test_database_is_reached_as_its_url_says(
    reads: Callable[..., dict[str, Any]], url: str, password: str, host: str
) -> None:
    found = reads(DATABASE_URL=url)["DATABASES"]["default"]

    assert (found["NAME"], found["USER"], found["PASSWORD"], found["HOST"]) == ("name", "user", password, host)


@pytest.mark.parametrize(
    "command", [["manage.py", "run"], ["manage.py", "check"], ["-m", "gunicorn", "classifr.wsgi", "--config", GUNICORN]]
)
def test_nonsense_stops_every_start_by_one_line(command: list[str]) -> None:
    environment = {**os.environ, "CLASSIFR_PORT": "eighty"}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 1
    assert done.stderr == "CLASSIFR_PORT is 'eighty': accepted is a whole number from 1 to 65535.\n"


@pytest.mark.parametrize(
    ("options", "said"), [("", "connection to server at "), ("?sslmode=perhaps", 'invalid sslmode value: "perhaps"')]
)
@pytest.mark.parametrize("command", ["run", "prepare", "jobs"])
def test_database_that_cannot_be_reached_is_said_in_one_line(
    tmp_path: Path, command: str, options: str, said: str
) -> None:
    url = f"postgres://user:s3cr-t@127.0.0.1:{free_port()}/name{options}"
    environment = {**os.environ, "DATABASE_URL": url, "CLASSIFR_VAR": str(tmp_path), "CLASSIFR_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "manage.py", command], env=environment, capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"The database that DATABASE_URL names cannot be reached: {said}")
    assert done.stderr.count("\n") == 1
    assert "s3cr" not in done.stderr


def test_file_of_settings_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TIME_ZONE=\xff\xfe")

    with pytest.raises(env.SettingRefused, match=re.escape(f"{tmp_path}/.env cannot be read")):
        env.read_file(tmp_path / ".env")


def test_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")

    assert start(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key")).stdout == "'from-a-file'\n"


def test_there_is_no_default_secret(tmp_path: Path) -> None:
    assert start(SECRET_KEY="", CLASSIFR_VAR=str(tmp_path)).stdout == "''\n"


def test_every_setting_is_documented() -> None:
    for page in ("docs/settings.md", ".env.example"):
        text = (ROOT / page).read_text()
        assert {name for name in (*SECRETS, *OTHERS) if name not in text} == set(), page


def test_every_command_is_documented() -> None:
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py") if path.stem != "__init__"}
    text = (ROOT / "docs" / "commands.md").read_text()

    assert {name for name in commands if f"manage.py {name}" not in text} == set()


def test_pages_may_show_pictures_of_the_storage_account_when_links_lead_there() -> None:
    code = "from classifr import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'])"
    environment = {
        "CLASSIFR_AZURE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5",
        "CLASSIFR_SAS_SECONDS": "60",
    }

    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, cwd=ROOT
    )

    assert "https://mine.blob.core.windows.net" in done.stdout
