"""While the database is away, people and programs are told to come back."""

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.test import Client

from classifr.embedded_postgres.exceptions import StillStarting
from web.outages import is_outage


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise StillStarting("The database is starting, stopping or recovering.")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", refuse)
    connection.close()


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/healthz", "/mispredictions/"])
@pytest.mark.parametrize(("language", "title"), [("fr", "De retour dans un instant"), ("en", "Back in a moment")])
def test_pages_say_that_it_comes_back(away: None, path: str, language: str, title: str) -> None:
    client = Client(raise_request_exception=False, headers={"accept-language": language})
    client.cookies["sessionid"] = "somebody-s"

    answer = client.get(path)

    if path == "/accounts/login/" and answer.status_code == 200:
        return  # asks nothing of the database
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert title in answer.text


def test_programs_are_told_too(away: None) -> None:
    client = Client(raise_request_exception=False)

    answer = client.get("/customvision/v3.4-preview/training/projects", headers={"Training-Key": "cfr_x"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "ErrorPredictionServiceUnavailable"


@pytest.mark.parametrize(
    ("statement", "outage"),
    [("SELECT pg_terminate_backend(pg_backend_pid())", True), ("SELECT pg_sleep(5)", False)],
)
def test_only_a_database_that_is_away_is_an_outage(statement: str, *, outage: bool, transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 50")
        with pytest.raises(OperationalError) as raised:
            cursor.execute(statement)
    connection.close()

    assert isinstance(raised.value.__cause__, psycopg2.Error)
    assert is_outage(raised.value) is outage
