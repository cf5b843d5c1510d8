"""What every page says to browsers, and who gets what."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from catalog.models import Picture
from classifier.models import PendingPhoto
from tests import factories
from training.models import Project

Answer: TypeAlias = Any
SignIn = Callable[[User], Client]
MOST_PAGES = 400
OURS = "http://testserver"


class Page(HTMLParser):
    """What a page links to, and what of it the policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forbidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.links.append(values.get("href") or "")
        is_inline = tag == "script" and "src" not in values and values.get("type") != "application/json"
        if is_inline or tag == "style" or any(name == "style" or name.startswith(("on", "hx-on")) for name in values):
            self.forbidden.append(self.get_starttag_text() or tag)
        if (values.get("href") or "").startswith("javascript:"):
            self.forbidden.append(self.get_starttag_text() or tag)


def crawl(browser: Client, *starts: str) -> Iterator[tuple[str, Answer]]:
    """Get each page that can be reached by links, those that differ in their query alone a few times."""
    waiting, seen, paths = [*starts], set(starts), dict[str, int]()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        answer = browser.get(address, follow=True)
        yield address, answer
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        for link in Page(answer.content.decode()).links:
            target = urlsplit(urljoin(OURS + address, link))
            found = target._replace(scheme="", netloc="", fragment="").geturl()
            paths[target.path] = paths.get(target.path, 0) + 1
            if target.hostname == "testserver" and found not in seen and paths[target.path] < 4:
                seen.add(found)
                waiting.append(found)


def assert_is_strict(address: str, answer: Answer) -> None:
    directives = dict(each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";"))
    if answer.headers["Content-Type"].startswith("application/json"):
        assert directives["default-src"] == "'none'", address
        return
    assert directives["script-src"] == directives["style-src"] == directives["form-action"] == "'self'", address
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["object-src"] == "'none'", address
    assert "unsafe" not in answer.headers["Content-Security-Policy"], address
    assert answer.headers["X-Content-Type-Options"] == "nosniff", address
    assert answer.headers["X-Frame-Options"] == "DENY", address
    assert answer.headers["Referrer-Policy"] == "same-origin", address
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", address
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", address
    assert "camera=()" in answer.headers["Permissions-Policy"], address
    if answer.headers["Content-Type"].startswith("text/html"):
        assert Page(answer.content.decode()).forbidden == [], address


@pytest.fixture
def furnished(food_project: Project) -> Project:
    """A site with something on each page."""
    tags = [food_project.tags.all()[0]]
    factories.make_image(project=food_project, tags=tags)
    factories.make_misprediction(prediction=factories.make_prediction(project=food_project))
    return food_project


@pytest.mark.slow
@pytest.mark.parametrize("make", [factories.make_user, factories.make_reviewer, factories.make_developer])
def test_pages_of_each_role_run_nothing_inline(
    signed_in: SignIn, furnished: Project, make: Callable[..., User]
) -> None:
    person = make()
    prediction = factories.make_prediction(user=person, project=furnished)
    starts = ["/", reverse("classifier:prediction", args=[prediction.pk]), "/no/where", "/admin/"]

    pages = list(crawl(signed_in(person), *starts))

    assert len(pages) >= 5
    for address, answer in pages:
        assert_is_strict(address, answer)


@pytest.mark.slow
def test_pages_of_administrators_run_nothing_inline(signed_in: SignIn, furnished: Project) -> None:
    factories.make_misprediction()
    administrator = factories.make_user(is_staff=True, is_superuser=True)

    pages = list(crawl(signed_in(administrator), "/admin/", "/"))

    assert len(pages) > 40
    for address, answer in pages:
        assert_is_strict(address, answer)


def test_pages_for_strangers_run_nothing_inline(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.sign_ins.MOST_BY_NAME", 1)
    client.raise_request_exception = False
    fields = {"username": "anne", "password": "wrong"}

    client.post(reverse("accounts:login"), fields)
    answers = {
        "sign in": client.get(reverse("accounts:login")),
        "locked": client.post(reverse("accounts:login"), fields),
        "not found": client.get("/no/where"),
        "wrong method": client.get(reverse("accounts:logout")),
        "expired": Client(enforce_csrf_checks=True).post(reverse("accounts:login"), fields | {"username": "bob"}),
        "too big": client.post(reverse("accounts:login"), "x", content_type="text/plain", CONTENT_LENGTH="99999999"),
        "foreign host": client.get("/", headers={"host": "evil.example"}),
        "icon": client.get("/favicon.ico"),
        "health": client.get("/healthz"),
    }

    assert [answer.status_code for answer in answers.values()] == [200, 429, 404, 405, 403, 413, 400, 302, 200]
    for name, answer in answers.items():
        assert_is_strict(name, answer)


def test_page_of_a_failure_runs_nothing_inline(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("classifr.views.readiness.find_state", fail)
    monkeypatch.setattr("classifr.views.last_state.until", 0.0)
    client.raise_request_exception = False

    answer = client.get("/readyz")

    assert answer.status_code == 500
    assert b"out of order" not in answer.content
    assert_is_strict("failure", answer)


def test_other_host_is_refused_and_not_repeated(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/", headers={"host": "evil.example", "X-Forwarded-Host": "evil.example"})

    assert answer.status_code == 400
    assert b"evil.example" not in answer.content
    assert "evil.example" not in str(answer.headers)


# Requests that other sites forge


def patterns(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Yield an address for each pattern of ours and of the admin."""
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from patterns(each, route)
        elif isinstance(each, URLPattern):
            yield re.sub(r"<sha256:\w+>", "0" * 64, re.sub(r"<(?!sha256)[^>]+>", "1", route)).removesuffix("$")


ADDRESSES = sorted(
    address for address in set(patterns(get_resolver())) if "(" not in address and "/customvision/" not in address
)
"""All but those that take a key instead of a session."""


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_done_without_a_token(signed_in: SignIn, db: None, address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.make_user(is_staff=True, is_superuser=True))

    for method in (browser.post, browser.put, browser.patch, browser.delete):
        assert method(address).status_code == 403


def test_all_that_takes_posts_is_among_them() -> None:
    assert len(ADDRESSES) > 60
    assert {"/", "/predictions/1/verdict/", "/mispredictions/act/", "/projects/1/train"} <= set(ADDRESSES)


# Private pictures


def test_picture_is_for_those_who_may_see_it(signed_in: SignIn, client: Client, db: None) -> None:
    sender = factories.make_user()
    picture = factories.make_picture(created_by=sender)
    tag = {"If-None-Match": f'"{picture.sha256}"'}

    for name in ("catalog:picture", "catalog:thumbnail"):
        there, nowhere = reverse(name, args=[picture.sha256]), reverse(name, args=["0" * 64])
        for headers in ({}, tag):
            assert client.get(there, headers=headers).headers["Location"].startswith("/accounts/login/")
            stranger = signed_in(factories.make_user())
            assert shown(stranger.get(there, headers=headers)) == shown(stranger.get(nowhere, headers=headers))
            assert stranger.get(there, headers=headers).status_code == 404


def shown(answer: Answer) -> tuple[int, str | None, bool]:
    return answer.status_code, answer.headers.get("ETag"), b"JFIF" in answer.content


def test_photo_that_waits_is_for_its_sender_alone(signed_in: SignIn, client: Client, food_project: Project) -> None:
    sender = factories.make_user()
    photo = factories.make_photo()
    browser = signed_in(sender)
    browser.post("/", {"photo": io.BytesIO(photo), "project": food_project.pk})
    address = reverse("classifier:photo", args=[PendingPhoto.objects.get().prediction_id])
    assert browser.get(address).status_code == 200

    for make in (factories.make_user, factories.make_reviewer, factories.make_developer):
        answer = signed_in(make()).get(address)
        assert shown(answer) == (404, None, False)
    assert client.get(address).headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["../blobs", "../secret_key", "..%2fsecret_key", "%2e%2e/secret_key", "/etc/passwd"])
def test_static_files_lead_nowhere_else(client: Client, db: None, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_static_files_are_for_our_own_pages(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/")

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert configured.WHITENOISE_ALLOW_ALL_ORIGINS is False


def test_key_of_a_picture_cannot_be_guessed_from_a_list(signed_in: SignIn, db: None) -> None:
    factories.make_picture()

    assert not Picture.objects.visible_to(factories.make_user()).exists()


# Behind a proxy that speaks HTTPS


HTTPS = """
import django; django.setup()
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
secure = Client(headers={"X-Forwarded-Proto": "https"})
for browser, address in ((secure, "/accounts/login/"), (Client(), "/accounts/login/?next=/")):
    answer = browser.get(address)
    print(answer.status_code, answer.headers.get("Strict-Transport-Security"), answer.headers.get("Location"))
print([morsel["secure"] for morsel in secure.cookies.values()])
print(settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE)
"""


def test_behind_https_everything_is_secure() -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "classifr.settings",
        "CLASSIFR_HTTPS": "true",
        "CLASSIFR_PROXIES": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", HTTPS], env=environment, capture_output=True, text=True, cwd=configured.BASE_DIR
    )

    assert done.stdout.splitlines() == [
        "200 max-age=31536000; includeSubDomains; preload None",
        "301 None https://testserver/accounts/login/?next=/",
        "[True]",
        "True True Lax",
    ], done.stderr
