"""Which keys open what."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from accounts.keys import create_key, revoke_key
from accounts.models import ApiKey, RequestCount, User
from customvision.errors import ACCESS_DENIED, STOPPED
from customvision.urls import urlpatterns
from tests import factories
from tests.customvision.answers import Call
from tests.unread import send_unread

NO_PROJECT = "00000000-0000-4000-8000-000000000000"
MEBI = 1024 * 1024
METHODS = ("get", "post", "put", "patch", "delete")


def addresses(patterns: list[Any], before: str) -> Iterator[str]:
    """Yield an address for each operation."""
    for each in patterns:
        if isinstance(each, URLResolver):
            half = "prediction" if "prediction" in str(each.pattern) else "training"
            yield from addresses(each.url_patterns, f"{before}v3.0/{half}/")
        elif isinstance(each, URLPattern) and each.name not in (
            None,
            "api-root",
            "training-openapi",
            "prediction-openapi",
        ):
            route = str(each.pattern).replace("<path:published_name>", "live")
            yield before + re.sub("<uuid[^>]+>", NO_PROJECT, route)


ADDRESSES = sorted(set(addresses(urlpatterns, "/customvision/")))


@pytest.mark.parametrize("key", ["none", "unknown", "of the other half", "of another project"])
def test_no_body_is_read_of_whom_no_key_lets_in(db: None, key: str) -> None:
    other = factories.make_project().uid
    for address in ADDRESSES:
        header, wrong = ("Prediction", "training") if "/prediction/" in address else ("Training", "prediction")
        text = {
            "none": "",
            "unknown": "cfr_unknown",
            "of the other half": create_key(name="a", scope=wrong, by=None)[1],
            "of another project": create_key(name="b", scope=ApiKey.Scope.ALL, by=None, project_uid=other)[1],
        }[key]
        RequestCount.objects.all().delete()

        for method in ("POST", "PATCH"):
            answer = send_unread(Client(), address, 999 * MEBI, method=method, **{f"HTTP_{header}_KEY": text})

            assert answer.status_code in ({400, 403, 404, 405} if key == "of another project" else {401, 405}), address
            assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_done_without_a_key(db: None, address: str) -> None:
    browser = Client()
    browser.force_login(factories.make_user(is_staff=True, is_superuser=True))

    statuses = {getattr(browser, method)(address).status_code for method in METHODS}

    assert 401 in statuses
    assert statuses <= {401, 405}


def test_revoked_key_opens_nothing(call: Call) -> None:
    key, text = create_key(name="old", scope=ApiKey.Scope.ALL, by=None)
    assert call("get", "/projects", key=text).status_code == 200

    revoke_key(key)

    assert call("get", "/projects", key=text).status_code == 401


def test_program_hears_that_the_owner_of_its_key_was_deactivated(call: Call) -> None:
    owner = factories.make_developer()
    _key, text = create_key(name="old", scope=ApiKey.Scope.ALL, by=owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)

    answers = [call("get", "/projects", key=key) for key in (text, f"{text[:-4]}beef")]

    assert [(answer.status_code, answer.reason_phrase) for answer in answers] == [(401, "Access Denied")] * 2
    stopped, unknown = (answer.json()["error"]["message"] for answer in answers)
    assert stopped == f"{unknown} {STOPPED}"
    assert unknown == ACCESS_DENIED


def test_expired_key_opens_nothing(call: Call) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    _key, text = create_key(name="old", scope=ApiKey.Scope.ALL, by=None, expires_at=yesterday)

    assert call("get", "/projects", key=text).status_code == 401


def test_prediction_key_cannot_train(call: Call) -> None:
    _key, text = create_key(name="camera", scope=ApiKey.Scope.PREDICTION, by=None)

    assert call("get", "/projects", key=text).status_code == 401


def test_key_of_one_project_sees_no_other(call: Call) -> None:
    mine, other = factories.make_project(), factories.make_project()
    _key, text = create_key(name="mine", scope=ApiKey.Scope.ALL, by=None, project_uid=mine.uid)

    assert [each["id"] for each in call("get", "/projects", key=text).json()] == [str(mine.uid)]
    assert call("get", f"/projects/{other.uid}", key=text).status_code == 404
    assert call("post", "/projects?name=another", key=text).status_code == 403


def test_key_that_nearly_fits_opens_nothing(call: Call, api_key: str) -> None:
    assert call("get", "/projects", key=api_key[:-1] + ("0" if api_key[-1] != "0" else "1")).status_code == 401


def test_use_of_a_key_is_noted(call: Call, api_key: str) -> None:
    call("get", "/projects", key=api_key)

    assert ApiKey.objects.get().last_used_at is not None


def test_who_tries_keys_is_slowed_down(call: Call, api_key: str) -> None:
    for _ in range(31):
        refused = call("get", "/projects", key="cfr_nonsense")

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert call("get", "/projects").status_code == 200


def test_text_of_a_key_is_nowhere(api_key: str) -> None:
    row = ApiKey.objects.values().get()

    assert not any(api_key in str(value) for value in row.values())
