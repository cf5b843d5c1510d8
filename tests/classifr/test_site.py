"""What belongs to the site and to no room."""

import pytest
from django.test import Client

from accounts.keys import create_key
from accounts.models import ApiKey
from tests import factories


def test_healthz_answers_without_signing_in(client: Client, db: None) -> None:
    assert client.get("/healthz").content == b"ok"


def test_pages_forbid_foreign_and_inline_scripts(client: Client, db: None) -> None:
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/nowhere", "/pictures/abc", "/mispredictions/x/"])
def test_what_is_not_there_answers_404(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("scope", "header", "status"),
    [
        (ApiKey.Scope.ALL, "Training-Key", 204),
        (ApiKey.Scope.PREDICTION, "Prediction-Key", 204),
        (ApiKey.Scope.PREDICTION, "Training-Key", 403),
        (ApiKey.Scope.TRAINING, "prediction-key", 403),
        (ApiKey.Scope.ALL, "Other-Key", 401),
    ],
)
def test_proxy_is_told_which_keys_may_send(client: Client, db: None, scope: str, header: str, status: int) -> None:
    _row, text = create_key(name="a program's", scope=scope, by=None)

    assert client.get("/may-send", headers={header: text}).status_code == status


def test_proxy_is_told_that_a_key_is_unknown_whoever_is_signed_in(client: Client, db: None) -> None:
    client.force_login(factories.make_user())

    assert client.get("/may-send", headers={"Training-Key": "cfr_unknown"}).status_code == 401


def test_proxy_is_told_who_may_send(client: Client, db: None) -> None:
    assert client.get("/may-send").status_code == 401

    client.force_login(factories.make_user())

    assert client.get("/may-send").status_code == 204
