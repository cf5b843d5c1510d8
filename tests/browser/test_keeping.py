"""A photo is not lost: when the network fails, no model answers, or someone changes their mind."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from classifier.models import PendingPhoto, Prediction
from tests import factories
from tests.azurecv.azure import PROJECT_ID, RecordedAzure, error
from tests.browser.signing_in import sign_in
from tests.browser.test_main_job import choose
from training.models import Project, Tag

HOME = re.compile("/$")


@pytest.fixture
def azure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedAzure]:
    azure = RecordedAzure()
    settings.CLASSIFR_CUSTOMVISION_ENDPOINT = azure.endpoint
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_KEY = "a-key"
    settings.CLASSIFR_CUSTOMVISION_PUBLISH_NAME = "My iteration"
    monkeypatch.setattr("azurecv.prediction.BACK_OFF_S", 0.01)
    yield azure
    azure.close()


@pytest.fixture(autouse=True)
def project(azure: RecordedAzure) -> Project:
    return factories.make_project(backend="customvision", remote_id=PROJECT_ID)


@pytest.fixture
def person() -> User:
    return factories.make_user(username="claire")


@pytest.fixture
def page(scripted_page: Page, live_server: LiveServer, person: User) -> Page:
    """The empty page, with someone signed in."""
    sign_in(scripted_page, live_server, person)
    return scripted_page


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "dish.jpg"
    path.write_bytes(factories.make_photo())
    return path


def hold_uploads(page: Page) -> list[Route]:
    """Answer no upload; return those that wait."""
    waiting: list[Route] = []
    page.route(HOME, lambda route: waiting.append(route) if route.request.method == "POST" else route.continue_())
    return waiting


def test_photo_is_kept_while_no_model_answers(
    any_page: Page, live_server: LiveServer, person: User, azure: RecordedAzure, photo: Path
) -> None:
    page = any_page
    sign_in(page, live_server, person)
    azure.answers = [error(503, "x", "trouble")] * 6

    choose(page, photo)
    again = page.locator("#upload-failure [data-retry]:visible, .held button")
    expect(again).to_be_visible()
    again.click()
    expect(again).to_be_visible()
    expect(page.locator("#photo-zone img, .held img")).to_be_visible()
    again.click()

    expect(page.locator(".in-words")).to_be_visible()
    assert Prediction.objects.count() == PendingPhoto.objects.count() == 1


def test_photo_is_kept_when_the_network_fails(page: Page, photo: Path) -> None:
    page.route(HOME, lambda route: route.abort(), times=1)

    choose(page, photo)
    retry = page.locator("#upload-failure [data-retry]")
    expect(retry).to_be_focused()
    expect(page.locator("#photo-zone img")).to_be_visible()
    retry.click()

    expect(page.locator(".in-words")).to_be_visible()


@pytest.mark.parametrize(("status", "may_retry"), [(429, True), (413, False)])
def test_sentence_of_the_server_is_shown(page: Page, photo: Path, status: int, may_retry: bool) -> None:
    page.route(
        HOME, lambda route: route.fulfill(status=status, content_type="text/plain", body="That is too much."), times=1
    )

    choose(page, photo)

    expect(page.locator("#upload-failure")).to_contain_text("That is too much.")
    expect(page.locator("#upload-failure [data-retry]")).to_be_visible(visible=may_retry)
    expect(page.locator("#photo-zone img")).to_have_count(int(may_retry))


def test_photo_is_kept_when_the_session_is_over(page: Page, live_server: LiveServer, person: User, photo: Path) -> None:
    page.context.clear_cookies(name="sessionid")

    choose(page, photo)
    expect(page.locator("#upload-failure [data-retry]")).to_be_visible()
    sign_in(page.context.new_page(), live_server, person)
    page.locator("#upload-failure [data-retry]").click()

    expect(page.locator(".in-words")).to_be_visible()


def test_cancelled_photo_leaves_the_former_one(page: Page, photo: Path, tmp_path: Path) -> None:
    choose(page, photo)
    expect(page.locator(".in-words")).to_be_visible()
    hold_uploads(page)
    (tmp_path / "other.jpg").write_bytes(factories.make_photo())

    choose(page, tmp_path / "other.jpg")
    page.locator("#upload-progress [data-cancel]").click()

    expect(page.locator("#upload-progress")).to_be_hidden()
    expect(page.locator("#photo-zone img")).to_have_attribute("alt", re.compile("Tag1"))
    expect(page.get_by_role("button", name="NOK", exact=True)).to_be_enabled()


def test_slow_answer_is_said(page: Page, photo: Path) -> None:
    page.clock.install()
    hold_uploads(page)

    choose(page, photo)
    expect(page.locator("#upload-progress")).to_be_visible()
    page.clock.fast_forward(10_000)

    expect(page.locator("#upload-progress [data-slow]")).to_be_visible()


def test_photo_that_waits_is_not_lost_to_the_next_one(page: Page, photo: Path, tmp_path: Path) -> None:
    page.route(HOME, lambda route: route.abort(), times=1)
    choose(page, photo)
    expect(page.locator("#upload-failure")).to_be_visible()
    (tmp_path / "other.jpg").write_bytes(factories.make_photo())

    choose(page, tmp_path / "other.jpg")

    expect(page.locator(".queue-card .in-words")).to_have_count(2)


def test_verdict_can_be_given_after_staying_for_a_photo_that_waits(page: Page, photo: Path, tmp_path: Path) -> None:
    choose(page, photo)
    expect(page.locator(".in-words")).to_be_visible()
    page.route(HOME, lambda route: route.abort(), times=1)
    (tmp_path / "other.jpg").write_bytes(factories.make_photo())
    choose(page, tmp_path / "other.jpg")
    expect(page.locator("#upload-failure")).to_be_visible()

    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="OK", exact=True).click()
    page.locator("#upload-failure [data-retry]").click()
    expect(page.locator("#upload-failure")).to_be_hidden()
    page.get_by_role("button", name="OK", exact=True).click()

    expect(page).to_have_url(re.compile("/given/$"))


def test_leaving_asks_first_while_a_photo_is_under_way(page: Page, photo: Path) -> None:
    hold_uploads(page)
    page.on("dialog", lambda dialog: dialog.dismiss())
    choose(page, photo)
    expect(page.locator("#upload-progress")).to_be_visible()
    page.locator(".user-button").click()

    with page.expect_event("dialog"):
        page.get_by_role("button", name="English").click(no_wait_after=True)

    expect(page.locator("#upload-progress")).to_be_visible()


def test_focus_goes_to_the_answer(page: Page, photo: Path) -> None:
    choose(page, photo)

    expect(page.locator("#predictions-title")).to_be_focused()


def test_address_of_the_answer_shows_it_again(page: Page, photo: Path, live_server: LiveServer) -> None:
    choose(page, photo)
    expect(page).to_have_url(re.compile("/predictions/[0-9]+/$"))

    page.go_back()
    expect(page.locator("#result .in-words")).to_have_count(0)
    page.go_forward()

    expect(page.locator("#result .in-words")).to_be_visible()


def test_going_forward_before_the_page_listens_shows_the_answer(page: Page, photo: Path) -> None:
    choose(page, photo)
    expect(page).to_have_url(re.compile("/predictions/[0-9]+/$"))
    scripts: list[Route] = []
    page.route("**/classify*.js", lambda route: scripts.append(route), times=1)

    page.go_back()
    expect(page.locator("#result .in-words")).to_have_count(0)
    page.go_forward(wait_until="commit")
    while not scripts:
        page.wait_for_timeout(10)
    scripts[0].continue_()

    expect(page.locator("#result .in-words")).to_be_visible()


def test_sample_is_tried_on_the_first_visit_and_later(
    any_page: Page, live_server: LiveServer, person: User, project: Project
) -> None:
    Tag.objects.create(project=project, name="Chat")
    page = any_page
    sign_in(page, live_server, person)
    expect(page.locator(".sample:visible")).to_have_count(2)

    page.locator(".sample").first.click()
    expect(page.locator(".in-words")).to_be_visible()
    page.goto(live_server.url)

    expect(page.locator(".sample:visible")).to_have_count(0)
    page.locator(".samples summary").click()
    expect(page.locator(".sample:visible")).to_have_count(2)
