"""Second thoughts in a real browser: a verdict taken back, a photo put in the bin and back, one's uploads erased."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from catalog.models import Picture
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction, Verdict
from tests import factories
from tests.browser.signing_in import sign_in


@pytest.fixture
def sender() -> User:
    return factories.make_user(username="claire")


@pytest.fixture
def waiting(sender: User) -> Prediction:
    """A prediction whose photo waits for its verdict."""
    prediction = factories.make_prediction(user=sender)
    expiry = timezone.now() + timedelta(hours=1)
    PendingPhoto.objects.create(prediction=prediction, content=factories.make_photo(), expires_at=expiry)
    return prediction


def test_nok_is_undone_and_the_photo_is_on_screen_again(
    any_page: Page, live_server: LiveServer, sender: User, waiting: Prediction
) -> None:
    sign_in(any_page, live_server, sender)
    any_page.goto(f"{live_server.url}/predictions/{waiting.pk}/")
    any_page.get_by_role("button", name="NOK", exact=True).click()

    any_page.locator("form.undo button").click()

    expect(any_page).to_have_url(f"{live_server.url}/predictions/{waiting.pk}/")
    shown = any_page.locator("#photo-zone img")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    expect(any_page.get_by_role("button", name="OK", exact=True)).to_be_enabled()
    assert not Picture.objects.exists()
    any_page.get_by_role("button", name="OK", exact=True).click()
    expect(any_page.locator("form.undo button")).to_be_visible()
    assert Verdict.objects.get().value == "OK"


def test_sender_erases_a_photo_that_reviewers_have(any_page: Page, live_server: LiveServer, sender: User) -> None:
    row, other = (factories.make_misprediction(user=sender) for _ in range(2))
    sign_in(any_page, live_server, sender)
    any_page.locator("a[href='/uploads/']").click()
    shown = any_page.locator(f"img[src='/uploads/{row.prediction.pk}/thumbnail']")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    any_page.locator(f"input[name=ids][value='{row.prediction.pk}'][form=selection]").check()
    any_page.locator("#selection button").click()
    any_page.locator("[name=confirmed]").click()

    expect(any_page.locator(".messages .alert")).to_be_visible()
    expect(shown).to_have_count(0)
    assert Misprediction.objects.get() == other
    assert not default_storage.exists(row.picture.blob_key)


def test_everything_on_the_page_is_selected_at_once(scripted_page: Page, live_server: LiveServer, sender: User) -> None:
    for _ in range(3):
        factories.make_misprediction(user=sender)
    sign_in(scripted_page, live_server, sender)
    scripted_page.goto(f"{live_server.url}/uploads/")

    scripted_page.locator("[data-select-all] input").check()
    scripted_page.locator("#selection button").click()
    scripted_page.locator("[name=confirmed]").click()

    expect(scripted_page.locator(".empty")).to_be_visible()
    assert not Prediction.objects.exists()
    assert not Picture.objects.exists()


def test_reviewer_undoes_a_deletion(any_page: Page, live_server: LiveServer) -> None:
    row = factories.make_misprediction()
    sign_in(any_page, live_server, factories.make_reviewer(username="remi"))
    any_page.goto(f"{live_server.url}/mispredictions/")
    any_page.locator("[name=ids][form=selection]").check()
    any_page.locator("#selection [value=delete]").click()
    expect(any_page.locator(".empty")).to_be_visible()

    any_page.locator(".messages .said-undo button").click()

    expect(any_page.locator(f".shot-photo[href^='/mispredictions/{row.pk}/']")).to_be_visible()
    assert Misprediction.objects.in_review().get() == row


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_scrolls_sideways(browser: Browser, live_server: LiveServer, width: int, scheme: str) -> None:
    reviewer = factories.make_reviewer(username="remi")
    kept = factories.make_misprediction(user=reviewer).prediction
    factories.make_misprediction(user=reviewer, deleted_at=timezone.now(), deleted_by=reviewer)
    factories.make_prediction(user=reviewer, top_tag="a tag of a name that is long enough to be broken somewhere")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="fr-FR")  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server, reviewer)

    for path in ("/uploads/", "/mispredictions/", "/mispredictions/bin/", f"/predictions/{kept.pk}/verdict/given/"):
        page.goto(live_server.url + path)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, path
    context.close()
