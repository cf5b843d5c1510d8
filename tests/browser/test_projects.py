"""A developer's way in a real browser: a project, tags, images, another tag for some of them, a training."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from jobs.models import Job
from tests import factories
from tests.browser.signing_in import sign_in
from tests.browser.uploading import expect_count, make_files, upload
from training.models import Project


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Italian Food classifier", domain="Food")


def wait_for_tray(page: Page) -> None:
    """Return once the tray, which comes after the page, listens to events."""
    expect(page.locator("#tray")).to_be_attached()
    expect(page.locator(".htmx-added")).to_have_count(0)


def test_developer_makes_a_project_tags_images_and_a_training(
    any_page: Page, live_server: LiveServer, developer: User, tmp_path: Path
) -> None:
    page = any_page
    sign_in(page, live_server, developer, "/projects/")
    page.locator("main a[href='/projects/new']").click()
    page.locator("input[name=name]").fill("Italian Food classifier")
    page.locator("select[name=domain]").select_option("Food")
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Italian Food classifier")

    page.goto(f"{page.url}tags/")
    page.locator("textarea[name=names]").fill("pizza, risotto")
    page.locator("#new-tags button[type=submit]").click()
    upload(page, "pizza", make_files(tmp_path / "a", 7))
    expect_count(page, "pizza", 7)
    upload(page, "risotto", make_files(tmp_path / "b", 5))
    expect_count(page, "risotto", 5)

    page.locator("[data-tag-name='pizza'] h2 a").click()
    boxes = page.locator("input[name=ids]")
    expect(boxes).to_have_count(7)
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.locator("#selection input[name=tag]").fill("risotto")
    page.locator("#selection button.btn-primary").click()
    expect(boxes).to_have_count(5)
    project = Project.objects.get()
    assert project.tags.get(name="risotto").images.count() == 7

    page.goto(f"{live_server.url}/projects/{project.pk}/")
    page.locator("#training form button.btn-primary").click()
    expect(page.locator("#training progress")).to_be_visible()
    assert Job.objects.get(kind="train").state == "queued"


def test_tray_shows_the_job_and_cancels_it(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    job = Job.objects.create(kind="train", msgid="Train Italian Food", arguments={"iteration": 0}, user=developer)
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    expect(page.locator("#tray-count")).to_contain_text("1")

    page.locator("[popovertarget=tray-panel]").click()
    expect(page.locator("#tray progress")).to_be_visible()
    page.locator(f"#tray-cancel-{job.pk}").click()

    expect(page.locator("#tray progress")).to_have_count(0)
    expect(page.locator("#tray .is-cancelled")).to_be_visible()
    expect(page.locator("#tray-said")).to_contain_text("Train Italian Food")
    job.refresh_from_db()
    assert job.state == "cancelled"


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_too_wide_without_javascript(
    browser: Browser, live_server: LiveServer, developer: User, project: Project, width: int
) -> None:
    project.tags.create(name="pizza")
    context = browser.new_context(java_script_enabled=False, locale="fr-FR", viewport={"width": width, "height": 800})
    page = context.new_page()
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("label[for=id_files]")).to_be_hidden()
    context.close()


def test_failure_to_fetch_is_said_until_it_succeeds(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    wait_for_tray(page)
    page.route(re.compile("/jobs/tray"), lambda route: route.fulfill(status=502))
    fetch = "htmx.trigger(document.body, 'jobs-changed')"

    page.evaluate(fetch)
    expect(page.locator(".trouble")).to_be_visible()

    page.unroute(re.compile("/jobs/tray"))
    page.evaluate(fetch)
    expect(page.locator(".trouble")).to_be_empty()


def test_page_left_open_leads_to_the_sign_in(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/")
    wait_for_tray(page)
    page.context.clear_cookies()

    page.evaluate("htmx.trigger(document.body, 'jobs-changed')")

    expect(page).to_have_url(re.compile("/login/.*projects"))
