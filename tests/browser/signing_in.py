"""A browser that is somebody's: mostly without the sign-in page, which has tests of its own."""

from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User

PASSWORD = "a-good-s3cret"


def become(page: Page, server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])


def sign_in(page: Page, server: LiveServer, user: User, path: str = "/") -> None:
    """Open that page as that person."""
    become(page, server, user)
    page.goto(server.url + path)
    page.wait_for_load_state()  # its scripts are deferred


def sign_in_by_form(page: Page, server: LiveServer, user: User) -> None:
    page.goto(server.url)
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Connexion").click()
    expect(page.get_by_text("Bonjour")).to_be_visible()
    page.wait_for_load_state()  # its scripts are deferred
