"""A browser that is somebody's, without the sign-in page: that one has tests of its own."""

from django.test import Client
from playwright.sync_api import Page
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
