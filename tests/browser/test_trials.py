"""An iteration is tried in a real browser: photos are dropped and pasted, two answers come to each."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from classifier.models import PendingPhoto, Prediction
from tests import factories
from tests.browser.photos import drag, paste
from tests.browser.signing_in import sign_in
from tests.classifier.test_trials import address, make_iteration
from training.models import Iteration
from training.services.publishing import publish

KINDS = {"jpg": "image/jpeg", "png": "image/png"}


def shot(name: str) -> tuple[str, str, bytes]:
    ending = name.rpartition(".")[2]
    return name, KINDS[ending], factories.make_photo(format="JPEG" if ending == "jpg" else "PNG")


@pytest.fixture
def newer(transactional_db: None) -> Iteration:
    live = make_iteration(factories.make_project(), "pizza", "risotto")
    publish(iteration=live, by=None)
    return make_iteration(live.project, "pizza", "risotto", "soup")


@pytest.fixture
def page(scripted_page: Page, live_server: LiveServer, newer: Iteration) -> Page:
    sign_in(scripted_page, live_server, factories.make_developer(username="dora"), address(newer))
    return scripted_page


def test_photos_that_are_dropped_and_pasted_get_two_answers(page: Page) -> None:
    drag(page, "drop", shot("one.jpg"), shot("two.jpg"))
    answered = page.locator(".queue-text[data-state=answered]")
    expect(answered).to_have_count(2)
    paste(page, shot("three.png"))

    expect(answered).to_have_count(3)
    for card in answered.all():
        expect(card.get_by_role("group")).to_have_count(2)
        expect(card.locator(".in-words")).to_have_count(2)
    expect(answered.first.get_by_role("group", name="Iteration 2 – one.jpg")).to_be_visible()
    expect(page.locator("[data-note]").last).to_have_text("Photo convertie de PNG par votre navigateur.")
    assert not Prediction.objects.exists()
    assert not PendingPhoto.objects.exists()


def test_what_is_no_photo_is_told_on_its_card(page: Page, tmp_path: Path) -> None:
    (tmp_path / "menu.jpg").write_bytes(b"%PDF-1.7")
    (tmp_path / "dish.jpg").write_bytes(factories.make_photo())

    page.locator("#id_photo").set_input_files([tmp_path / "menu.jpg", tmp_path / "dish.jpg"])

    expect(page.locator(".queue-text[data-state=refused]")).to_contain_text("PDF")
    expect(page.locator(".queue-text[data-state=answered]")).to_have_count(1)
