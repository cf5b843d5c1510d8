"""The browser tells where its reader is, without being asked."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from feedback.models import Misprediction
from tests import factories
from tests.browser.signing_in import PASSWORD


@pytest.mark.parametrize(
    ("zone", "shown"), [("America/New_York", "12/03/2026 18:30"), ("Asia/Kathmandu", "13/03/2026 04:15")]
)
def test_first_page_after_signing_in_is_in_the_readers_time_zone(
    browser: Browser, live_server: LiveServer, zone: str, shown: str
) -> None:
    factories.make_reviewer(username="remi", password=PASSWORD)
    factories.make_misprediction()
    Misprediction.objects.update(created_at=datetime(2026, 3, 12, 22, 30, tzinfo=UTC))
    context = browser.new_context(locale="fr-FR", timezone_id=zone)
    page = context.new_page()

    page.goto(f"{live_server.url}/accounts/login/?next=/mispredictions/")
    page.locator("[name=username]").fill("remi")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()

    expect(page.locator("time")).to_have_text(shown)
    context.close()
