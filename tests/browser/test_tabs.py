"""The tabs of a project: links, each with an address of its own."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories
from tests.browser.signing_in import sign_in

TABS = ["", "images/", "tags/", "iterations/", "settings/"]


def test_each_tab_has_its_address_and_says_that_it_is_open(any_page: Page, live_server: LiveServer) -> None:
    page, project = any_page, factories.make_project()
    sign_in(page, live_server, factories.make_developer(), f"/projects/{project.pk}/")

    for place, tab in enumerate(TABS):
        page.locator(".tabs a").nth(place).click()
        expect(page).to_have_url(f"{live_server.url}/projects/{project.pk}/{tab}")
        expect(page.locator(".tabs [aria-current=page]")).to_have_count(1)
        expect(page.locator(".tabs a").nth(place)).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize("width", [390, 1280])
def test_page_of_101_tags_is_no_scroll(scripted_page: Page, live_server: LiveServer, width: int) -> None:
    page, project = scripted_page, factories.make_project()
    for number in range(101):
        project.tags.create(name=f"tag {number:03}")
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, live_server, factories.make_developer(), f"/projects/{project.pk}/tags/")

    assert page.evaluate("document.documentElement.scrollHeight") < (6500 if width == 390 else 3000)


def test_typing_finds_a_tag_and_leaves_the_focus(scripted_page: Page, live_server: LiveServer) -> None:
    page, project = scripted_page, factories.make_project()
    for name in ("pizza", "risotto"):
        project.tags.create(name=name)
    sign_in(page, live_server, factories.make_developer(), f"/projects/{project.pk}/tags/")

    page.locator("#id_q").press_sequentially("riso")

    expect(page.locator("[data-tag-name]")).to_have_count(1)
    expect(page.locator("#id_q")).to_be_focused()
    expect(page).to_have_url(f"{live_server.url}/projects/{project.pk}/tags/?q=riso&sort=name")


def test_train_button_that_cannot_work_says_why(any_page: Page, live_server: LiveServer) -> None:
    page, project = any_page, factories.make_project()
    sign_in(page, live_server, factories.make_developer(), f"/projects/{project.pk}/")

    button = page.locator("#training form button[type=submit]")
    expect(button).to_be_disabled()
    expect(button).to_have_accessible_description(page.locator("#why-not").inner_text())
