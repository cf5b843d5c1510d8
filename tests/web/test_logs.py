"""What stands in the log: one line for each request, whose it was, and no secret."""

import io
import logging
import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from classifr.logs import LINE, QUIET_LOGGERS
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RecordedAzure, error
from training.models import Project
from web.request_log import LineFormatter, RefusedRequest, WhoseRequest, quoted

SignIn = Callable[[User], Client]
LOGIN = reverse("accounts:login")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, on every level, as it would stand on standard error."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(RefusedRequest())
    handler.addFilter(WhoseRequest())
    handler.setFormatter(LineFormatter(LINE, style="{"))
    names = ["", *QUIET_LOGGERS]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def azure(settings: Settings) -> Iterator[RecordedAzure]:
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "My iteration"
    yield azure
    azure.close()


def answered(log: io.StringIO) -> list[str]:
    return [line for line in log.getvalue().splitlines() if " Answered " in line]


def test_request_is_one_line_without_its_query(signed_in: SignIn, person: User, log: io.StringIO) -> None:
    answer = signed_in(person).get("/no/where", {"q": "private"})

    [line] = answered(log)
    request_id = answer.headers["X-Request-ID"]
    assert re.search(
        rf"level=INFO logger=web.request_log request={request_id} user={person.pk} "
        r"Answered method=GET path=/no/where status=404 ms=\d+\.\d address=127.0.0.1$",
        line,
    )
    assert "private" not in log.getvalue()


@pytest.mark.parametrize("path", [LOGIN, "/customvision/v3.3/Training/projects", "/healthz"])
def test_foreign_host_is_one_line_of_warning(client: Client, db: None, log: io.StringIO, path: str) -> None:
    answer = client.get(path, headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "Traceback" not in log.getvalue()
    [line] = [line for line in log.getvalue().splitlines() if "evil.example" in line]
    assert "level=WARNING" in line
    assert "ALLOWED_HOSTS" in line


def test_form_from_an_origin_that_is_not_trusted_names_the_variable(db: None, log: io.StringIO) -> None:
    """As behind a proxy that speaks HTTPS, of which Classifr was not told."""
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "fr"})
    token = browser.get(LOGIN).cookies["csrftoken"].value
    fields = {"username": "anna", "password": "s3cret-enough", "csrfmiddlewaretoken": token}

    answer = browser.post(LOGIN, fields, headers={"origin": "https://photos.example.org"})

    assert answer.status_code == 403
    assert "l’adresse que votre navigateur affiche" in answer.content.decode()
    [line] = [line for line in log.getvalue().splitlines() if "CSRF_TRUSTED_ORIGINS" in line]
    assert "origin=https://photos.example.org host=testserver" in line


def test_form_that_has_expired_says_so(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post(LOGIN, {"username": "anna", "password": "s3cret-enough"})

    assert answer.status_code == 403
    assert answer.templates[0].name == "403_csrf.html"


def test_lines_of_a_request_name_it_and_its_user(
    signed_in: SignIn, person: User, food_project: Project, log: io.StringIO
) -> None:
    photo = io.BytesIO(factories.make_photo())
    answer = signed_in(person).post("/", {"photo": photo, "project": food_project.pk})

    [line] = [line for line in log.getvalue().splitlines() if "Predicted " in line]
    assert f" request={answer.headers['X-Request-ID']} user={person.pk} " in line
    assert re.search(r"iteration=\S.* ms=\d", line)


def test_lines_outside_a_request_belong_to_nobody(client: Client, db: None, log: io.StringIO) -> None:
    client.get(LOGIN)
    logging.getLogger("elsewhere").info("Later")

    assert "logger=elsewhere request=- user=- Later" in log.getvalue()


def test_what_django_says_of_a_request_names_it_too(signed_in: SignIn, person: User, log: io.StringIO) -> None:
    answer = signed_in(person).post("/", headers={"Transfer-Encoding": "chunked"})

    [line] = [line for line in log.getvalue().splitlines() if "Length Required: /" in line]
    assert f" request={answer.headers['X-Request-ID']} user={person.pk} " in line


def test_user_who_signs_in_is_named_at_once(client: Client, person: User, log: io.StringIO) -> None:
    client.post(LOGIN, {"username": person.username, "password": "s3cret-enough"})

    assert f" user={person.pk} " in answered(log)[-1]


@pytest.mark.parametrize("given", ["abcdef-123", "A" * 64])
def test_id_of_the_proxy_is_kept(client: Client, db: None, given: str, log: io.StringIO) -> None:
    assert client.get(LOGIN, headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert f" request={given} " in answered(log)[0]


@pytest.mark.parametrize("given", ["short", "A" * 65, "with space", "line\nlevel=ERROR", "a=bcdefgh", "éééééééé"])
def test_id_that_is_none_is_replaced(client: Client, db: None, given: str) -> None:
    assert re.fullmatch("[0-9a-f]{16}", client.get(LOGIN, headers={"X-Request-ID": given}).headers["X-Request-ID"])


@pytest.mark.parametrize(
    "path", ["/a%0Atime=now level=ERROR", "/a%0D%0Ab", "/a b", '/a"b', "/a%E2%80%A8b", "/a%1B[31mb", "/a%C2%85b"]
)
def test_path_cannot_look_like_another_line(client: Client, db: None, path: str, log: io.StringIO) -> None:
    client.get(path)

    lines = log.getvalue().splitlines()
    assert all(line.startswith("time=") and " level=" in line.split(" logger=")[0] for line in lines)
    assert re.search(r' path="/a\S*', answered(log)[0])
    assert "\x1b" not in log.getvalue()


def test_name_cannot_look_like_another_line(client: Client, db: None, log: io.StringIO) -> None:
    name = "anne\ntime=now level=ERROR"
    for _ in range(11):
        client.post(LOGIN, {"username": name, "password": "wrong"})
    logging.getLogger("elsewhere").warning("Locked name=%s", name)

    assert "Locked name=anne\\ntime=now" in log.getvalue()
    assert all(line.startswith("time=2") for line in log.getvalue().splitlines())


@pytest.mark.parametrize(
    ("value", "word"),
    [("/a/b", "/a/b"), ("", '""'), ("a b", '"a b"'), ("a\n", '"a\\n"'), ('"', '"\\""'), ("é", '"\\u00e9"')],
)
def test_values_are_one_word(value: str, word: str) -> None:
    assert quoted(value) == word


def test_no_secret_and_no_picture_is_logged(
    client: Client,
    food_project: Project,
    settings: Settings,
    azure: RecordedAzure,
    log: io.StringIO,
    request: pytest.FixtureRequest,
) -> None:
    """Sign in, send a photo, lose the storage, be refused by Azure: all on the level DEBUG."""
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = prediction_key = "prediction-key-0123456789"
    account_key = "YWNjb3VudC1rZXktMDEyMzQ1Njc4OQ=="
    settings.CLASSIFR_AZURE_CONNECTION_STRING = f"AccountName=a;AccountKey={account_key};"
    password = "pass-w0rd-0123456789"
    factories.make_reviewer(username="anne", password=password)
    photo = factories.make_photo(size=(900, 700))

    client.get(LOGIN)
    client.post(LOGIN, {"username": "anne", "password": "wrong-" + password})
    client.post(LOGIN, {"username": "anne", "password": password})
    shown = client.post("/", {"photo": io.BytesIO(photo), "project": food_project.pk})
    request.getfixturevalue("storage_refuses")
    client.raise_request_exception = False
    client.post(f"{shown.headers['Location']}verdict/", {"verdict": "NOK"})
    azure.answers.append(error(401, "401", f"Access denied due to invalid key {prediction_key}."))
    remote = factories.make_project(backend="customvision", remote_id=PROJECT_ID)
    client.post("/", {"photo": io.BytesIO(photo), "project": remote.pk})
    try:
        raise RuntimeError(f"https://a.blob.core.windows.net/c/x?sv=1&sig=c2lnbmF0dXJl AccountKey={account_key}")
    except RuntimeError:
        logging.getLogger("catalog").exception("Failed with AccountKey=%s", account_key)

    text = log.getvalue()
    assert len(answered(log)) == 6
    assert "Traceback" in text
    secrets = [
        password,
        client.cookies["sessionid"].value,
        client.cookies["csrftoken"].value,
        settings.SECRET_KEY,
        prediction_key,
        account_key,
        "c2lnbmF0dXJl",
    ]
    for secret in secrets:
        assert len(secret) > 8
        assert secret not in text
    for start in range(0, len(photo) - 16, 997):
        assert repr(photo[start : start + 16])[2:-1] not in text
    assert "JFIF" not in text


def test_line_is_written_where_there_is_no_secret_key_yet(settings: Settings) -> None:
    settings.SECRET_KEY = ""

    assert LineFormatter("{message}", style="{").format(logging.makeLogRecord({"msg": "Made"})) == "Made"
