"""Images are uploaded from a project's pages in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
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


def test_end_of_an_upload_leaves_a_name_that_is_typed(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    project.tags.create(name="pizza")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")
    page.locator(".tag-more summary").click()
    page.locator(".tag-more input[name=name]").fill("pizza bianca")

    page.locator("#id_files").set_input_files(make_files(tmp_path, 2))

    expect_count(page, "pizza", 0)
    expect(page.locator("[data-said]")).to_contain_text("2")
    expect(page.locator(".tag-more input[name=name]")).to_have_value("pizza bianca")


def test_name_of_a_file_is_kept_as_it_is(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    [path] = make_files(tmp_path, 1)
    path = path.rename(tmp_path / 'a "good" &eacute; dish%22.jpg')
    sign_in(page, live_server, developer, f"/projects/{project.pk}/images/")

    page.locator("#id_files").set_input_files(path)

    expect(page.locator("#figures strong").first).to_have_text("1")
    expect(page.locator("[data-refusals]")).to_be_hidden()
    assert project.images.get().name == path.name


@pytest.mark.parametrize(("status", "attribute"), [(413, "data-text-too-large"), (404, "data-text-gone")])
def test_answer_without_a_sentence_gets_ours(
    scripted_page: Page,
    live_server: LiveServer,
    developer: User,
    project: Project,
    tmp_path: Path,
    status: int,
    attribute: str,
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/images/")
    page.route(re.compile("/images/upload$"), lambda route: route.fulfill(status=status, body="<h1>No</h1>"))

    page.locator("#id_files").set_input_files(make_files(tmp_path, 1))

    expect(page.locator("#uploads")).to_contain_text(page.locator("#uploads").get_attribute(attribute) or "?")


def test_progress_of_an_upload_from_a_card_is_in_sight(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    page.set_viewport_size({"width": 390, "height": 700})
    for number in range(6):
        project.tags.create(name=f"tag {number}")
    sign_in(page, live_server, developer, f"/projects/{project.pk}/tags/")
    page.route(re.compile("/images/upload$"), lambda route: None)
    page.locator(".tag-card").last.scroll_into_view_if_needed()
    expect(page.locator("#uploads")).not_to_be_in_viewport()

    upload(page, "tag 5", make_files(tmp_path, 1))

    expect(page.locator("[data-progress] progress")).to_be_in_viewport()


def test_refused_files_are_listed_and_the_others_kept(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    paths = make_files(tmp_path, 2)
    (tmp_path / "menu.jpg").write_bytes(b"%PDF-1.7 a menu")
    (tmp_path / "heavy.jpg").write_bytes(b"\xff\xd8" + bytes(6 * 1024 * 1024))
    sign_in(page, live_server, developer, f"/projects/{project.pk}/images/")

    page.locator("#id_files").set_input_files([*paths, tmp_path / "menu.jpg", tmp_path / "heavy.jpg"])

    refused = page.locator("[data-refusals] li")
    expect(refused).to_have_count(2)
    expect(refused.filter(has_text="menu.jpg")).to_contain_text("PDF")
    expect(page.locator("#figures")).to_contain_text("2")
    assert project.images.count() == 2


def test_upload_outlives_a_server_that_fails_once(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    failures = iter([True])
    sign_in(page, live_server, developer, f"/projects/{project.pk}/images/")
    page.route(
        re.compile("/images/upload$"),
        lambda route: route.fulfill(status=502) if next(failures, False) else route.continue_(),
    )

    page.locator("#id_files").set_input_files(make_files(tmp_path, 3))

    expect(page.locator("#figures strong").first).to_have_text("3")
    assert project.images.count() == 3


def test_upload_is_cancelled(
    scripted_page: Page, live_server: LiveServer, developer: User, project: Project, tmp_path: Path
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, f"/projects/{project.pk}/images/")
    page.route(re.compile("/images/upload$"), lambda route: None)

    page.locator("#id_files").set_input_files(make_files(tmp_path, 40))
    page.locator("[data-progress] [data-cancel]").click()

    expect(page.locator("[data-progress]")).to_be_hidden()
    expect(page.locator("[data-said]")).not_to_be_empty()
    assert not project.images.exists()
