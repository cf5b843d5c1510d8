"""What belongs to the site and to no room."""

from uuid import UUID

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


PROJECT = UUID(int=1)
TRAINING = f"/CustomVision/v3.3/Training/projects/{PROJECT}/images?tagIds=a"
PREDICTION = f"//customvision/v3.0/prediction/{PROJECT}/classify/iterations/live/image"


def may_send(client: Client, uri: str, **headers: str) -> bool:
    status = client.get("/may-send", headers={"X-Forwarded-Uri": uri, **headers}).status_code
    assert status in {204, 401}
    return status == 204


@pytest.mark.parametrize(
    ("scope", "header", "uri", "is_admitted"),
    [
        (ApiKey.Scope.ALL, "Training-Key", TRAINING, True),
        (ApiKey.Scope.TRAINING, "training-key", TRAINING, True),
        (ApiKey.Scope.PREDICTION, "Prediction-Key", PREDICTION, True),
        (ApiKey.Scope.PREDICTION, "Training-Key", TRAINING, False),
        (ApiKey.Scope.TRAINING, "Prediction-Key", PREDICTION, False),
        (ApiKey.Scope.ALL, "Training-Key", PREDICTION, False),
        (ApiKey.Scope.ALL, "Other-Key", TRAINING, False),
        (ApiKey.Scope.ALL, "Training-Key", "/customvision/v3.3/training/nowhere", False),
        (ApiKey.Scope.ALL, "Training-Key", "/", False),
    ],
)
def test_proxy_is_told_which_keys_may_send(
    client: Client, db: None, *, scope: str, header: str, uri: str, is_admitted: bool
) -> None:
    _row, text = create_key(name="a program's", scope=scope, by=None)

    assert may_send(client, uri, **{header: text}) == is_admitted


@pytest.mark.parametrize(("project", "is_admitted"), [(PROJECT, True), (UUID(int=2), False)])
@pytest.mark.parametrize(("header", "uri"), [("Training-Key", TRAINING), ("Prediction-Key", PREDICTION)])
def test_proxy_is_told_which_project_a_key_opens(
    client: Client, db: None, *, header: str, uri: str, project: UUID, is_admitted: bool
) -> None:
    _row, text = create_key(name="a program's", scope=ApiKey.Scope.ALL, by=None, project_uid=project)

    assert may_send(client, uri, **{header: text}) == is_admitted


def test_proxy_is_told_that_a_key_is_unknown_whoever_is_signed_in(client: Client, db: None) -> None:
    client.force_login(factories.make_user())

    assert not may_send(client, TRAINING, **{"Training-Key": "cfr_unknown"})


@pytest.mark.parametrize("uri", ["/", "/projects/1/images/upload"])
def test_proxy_is_told_who_may_send(client: Client, db: None, uri: str) -> None:
    assert not may_send(client, uri)

    client.force_login(factories.make_user())

    assert may_send(client, uri)


@pytest.mark.parametrize("uri", ["", "/accounts/login/", "/no/where"])
def test_proxy_is_told_to_gather_nothing_where_only_small_forms_go(client: Client, db: None, uri: str) -> None:
    client.force_login(factories.make_user())

    assert not may_send(client, uri)
