"""What the policy of the pages forbids, no page of ours does: a browser would report it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests import factories
from tests.browser.signing_in import sign_in
from training.models import Project
from training.services.starter import install_starter


@pytest.fixture
def project(everything_real: None) -> Project:
    return install_starter()[0].project


@pytest.fixture
def reports(scripted_page: Page) -> list[str]:
    """What the browser complains of while the page is used."""
    found: list[str] = []
    blocked = "(?<!Autofocus processing )was blocked"
    complaint = re.compile(f"Content Security Policy|Permissions-Policy|Refused to|{blocked}", re.IGNORECASE)
    scripted_page.on("console", lambda message: found.append(message.text) if complaint.search(message.text) else None)
    scripted_page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_browser_reports_what_is_forbidden(
    live_server: LiveServer, project: Project, scripted_page: Page, reports: list[str]
) -> None:
    """Otherwise the tests below could not fail."""
    sign_in(scripted_page, live_server, factories.make_user())

    scripted_page.evaluate("document.body.setAttribute('style', 'color: red')")
    scripted_page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")

    assert len(reports) == 2


def test_photo_is_classified_without_a_report(
    live_server: LiveServer, project: Project, scripted_page: Page, reports: list[str]
) -> None:
    sign_in(scripted_page, live_server, factories.make_user())
    photo = factories.make_photo()

    scripted_page.set_input_files("#id_photo", {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo})
    expect(scripted_page).to_have_url(re.compile("/predictions/"))
    scripted_page.click("button[value=NOK]")
    expect(scripted_page).to_have_url(re.compile("/verdict/given/"))

    assert reports == []


@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (factories.make_developer, ["/mispredictions/", "/projects/", "/jobs/", "/accounts/password/", "/no/where"]),
        (factories.make_developer, ["/connect/", "/connect/keys/", "/connect/keys/new"]),
        (factories.make_developer, ["/projects/{}/", "/projects/{}/images/", "/projects/{}/iterations/1/"]),
        (
            lambda: factories.make_user(is_staff=True, is_superuser=True),
            ["/admin/", "/admin/accounts/user/add/", "/admin/training/project/{}/change/", "/admin/training/image/"],
        ),
    ],
    ids=["lists", "programs", "project", "admin"],
)
@pytest.mark.slow
def test_pages_are_shown_without_a_report(
    live_server: LiveServer,
    project: Project,
    scripted_page: Page,
    reports: list[str],
    make: Callable[[], User],
    paths: list[str],
) -> None:
    factories.make_image(project=project)
    factories.make_misprediction(prediction=factories.make_prediction(project=project))
    sign_in(scripted_page, live_server, make())

    for path in paths:
        scripted_page.goto(live_server.url + path.format(project.pk))
        scripted_page.wait_for_load_state("networkidle")

    assert reports == []
