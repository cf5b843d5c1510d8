"""A developer's way to a connected program, in a real browser: a key made, copied, revoked; an example copied."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.keys import find_key
from accounts.models import ApiKey, User
from tests import factories
from tests.browser.signing_in import sign_in
from training.services.starter import install_starter

WITHOUT_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
"""As on a server that is reached by plain HTTP."""


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


def make_key(page: Page) -> str:
    """Make a key on the page; return its text as it is shown."""
    page.get_by_role("link", name=re.compile("Nouvelle clé|New key")).click()
    page.locator("input[name=name]").fill("Caméra")
    page.locator("main form button[type=submit]").click()
    return page.locator("#key-text").input_value()


def pasted(page: Page, server: LiveServer) -> str:
    """Return what is on the clipboard, as a person finds it."""
    page.goto(f"{server.url}/projects/new")
    page.locator("textarea[name=description]").focus()
    page.keyboard.press("Control+V")
    return page.locator("textarea[name=description]").input_value()


def test_key_is_made_shown_once_and_revoked(any_page: Page, live_server: LiveServer, developer: User) -> None:
    page = any_page
    sign_in(page, live_server, developer, "/connect/keys/")

    text = make_key(page)
    assert find_key(text, now=timezone.now())
    page.goto(f"{live_server.url}/connect/keys/")
    assert text not in page.content()

    page.locator(".keys a").click()
    page.locator("main form button[type=submit]").click()

    expect(page.locator(".alert")).to_be_visible()
    assert find_key(text, now=timezone.now()) is None


def test_reloaded_page_neither_shows_the_key_nor_makes_another(
    any_page: Page, live_server: LiveServer, developer: User
) -> None:
    page = any_page
    sign_in(page, live_server, developer, "/connect/keys/")
    text = make_key(page)

    page.reload()

    expect(page.locator(".invalid-feedback")).to_be_visible()
    assert text not in page.content()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("script", ["", WITHOUT_CLIPBOARD], ids=["HTTPS", "HTTP"])
def test_key_is_copied(scripted_page: Page, live_server: LiveServer, developer: User, script: str) -> None:
    page = scripted_page
    page.add_init_script(script)
    sign_in(page, live_server, developer, "/connect/keys/")
    text = make_key(page)

    page.locator("[data-copy=key-text]").click()

    expect(page.locator("[data-copy=key-text] [data-copy-text]")).not_to_have_text(re.compile("Copier|Copy"))
    assert pasted(page, live_server) == text


@pytest.mark.parametrize("script", ["", WITHOUT_CLIPBOARD], ids=["HTTPS", "HTTP"])
def test_example_is_copied_as_it_stands(
    scripted_page: Page, live_server: LiveServer, developer: User, script: str
) -> None:
    page = scripted_page
    install_starter()
    page.add_init_script(script)
    sign_in(page, live_server, developer, "/connect/")
    text = page.locator("#curl").text_content() or ""
    page.locator("summary", has_text="curl").first.click()

    page.locator("[data-copy=curl]").click()
    expect(page.locator("[data-copy=curl] [data-copy-text]")).not_to_have_text(re.compile("Copier|Copy"))

    assert pasted(page, live_server).strip() == text.strip()


def test_examples_are_about_the_project_that_is_chosen(
    any_page: Page, live_server: LiveServer, developer: User
) -> None:
    page = any_page
    install_starter()
    other = factories.make_project(name="Another")
    sign_in(page, live_server, developer, "/connect/")

    page.locator("select[name=project]").select_option(label="Another")
    page.locator(".choose-project button").click()

    expect(page.locator("#project-id")).to_have_text(str(other.uid))
    expect(page.locator("#python")).to_contain_text(str(other.uid))


def test_without_javascript_nothing_offers_to_copy(any_page: Page, live_server: LiveServer, developer: User) -> None:
    page = any_page
    install_starter()
    sign_in(page, live_server, developer, "/connect/")

    has_script = page.locator("html.has-script").count() == 1

    assert page.locator("[data-copy]:visible").count() == (4 if has_script else 0)
