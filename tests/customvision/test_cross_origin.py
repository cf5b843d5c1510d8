"""Pages of other sites read what their origin may, and nobody else's."""

import pytest
from django.test import Client
from pytest_django import Settings

from customvision.cross_origin import is_preflight
from tests.factories import make_photo
from training.models import Project

SHOP = "https://shop.example.org"
PREDICTION = "/customvision/v3.1/Prediction/{}/classify/iterations/live/image"
PROJECTS = "/customvision/v3.3/Training/projects"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prediction-key, content-type"}


@pytest.fixture
def predict(food_project: Project) -> str:
    return PREDICTION.format(food_project.uid)


def preflight(client: Client, path: str, *, origin: str = SHOP) -> dict[str, str]:
    answer = client.options(path, headers={**ASKING, "Origin": origin})
    assert answer.status_code == 204
    assert answer.content == b""
    return dict(answer.headers)


def test_nobody_is_let_in_by_default(client: Client, predict: str) -> None:
    asked = client.options(predict, headers={**ASKING, "Origin": SHOP})
    told = client.get(PROJECTS, headers={"Origin": SHOP})

    assert not [name for answer in (asked, told) for name in answer.headers if name.startswith("Access-Control")]
    assert asked.status_code == 405


def test_origin_that_is_named_may_ask_everything(client: Client, predict: str, settings: Settings) -> None:
    settings.CLASSIFR_CORS_ORIGINS = [SHOP]

    for path in (predict, PROJECTS):
        allowed = preflight(client, path)
        assert allowed["Access-Control-Allow-Origin"] == SHOP
        assert allowed["Access-Control-Allow-Methods"] == "POST"
        assert allowed["Access-Control-Allow-Headers"] == "prediction-key, content-type"
        assert "Origin" in allowed["Vary"]
        assert "Access-Control-Allow-Credentials" not in allowed
    assert "Access-Control-Allow-Origin" not in preflight(client, predict, origin="https://other.example.org")
    assert "Access-Control-Allow-Methods" not in preflight(client, predict, origin="null")


def test_any_page_may_ask_for_predictions_alone(client: Client, predict: str, settings: Settings) -> None:
    settings.CLASSIFR_CORS_ORIGINS = ["*"]

    for origin in (SHOP, "null"):
        assert preflight(client, predict, origin=origin)["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Origin" not in preflight(client, PROJECTS, origin=origin)
    training = client.get(PROJECTS, headers={"Origin": SHOP})
    assert "Access-Control-Allow-Origin" not in training.headers


def test_answers_and_refusals_can_be_read(client: Client, predict: str, api_key: str, settings: Settings) -> None:
    settings.CLASSIFR_CORS_ORIGINS = [SHOP]
    kind, photo = "application/octet-stream", make_photo()

    answers = [
        client.post(predict, photo, content_type=kind, headers={"Origin": SHOP, "Prediction-Key": api_key}),
        client.post(predict, photo, content_type=kind, headers={"Origin": SHOP}),
        client.post(predict, bytes(5_000_000), content_type=kind, headers={"Origin": SHOP, "Prediction-Key": api_key}),
        client.get("/customvision/nowhere", headers={"Origin": SHOP}),
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 400, 404]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        assert "Origin" in answer.headers["Vary"]


def test_pages_of_the_site_itself_are_nobody_elses(client: Client, db: None, settings: Settings) -> None:
    settings.CLASSIFR_CORS_ORIGINS = [SHOP]

    for path in ("/accounts/login/", "/healthz"):
        answer = client.get(path, headers={"Origin": SHOP})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_question_of_a_program_is_no_preflight(client: Client, predict: str, settings: Settings) -> None:
    settings.CLASSIFR_CORS_ORIGINS = [SHOP]

    assert client.options(predict, headers={"Origin": SHOP}).status_code == 405
    assert not is_preflight(client.options(predict).wsgi_request)
