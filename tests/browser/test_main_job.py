"""The main job in a real browser: a photo in, probabilities out, a verdict kept, a reviewer who sees it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from catalog.models import Picture
from classifr.environment import blob_origin
from feedback.models import Misprediction, Verdict
from tests import factories
from tests.browser.signing_in import PASSWORD, sign_in, sign_in_by_form
from training.models import Project
from training.services.starter import install_starter


@pytest.fixture
def project() -> Project:
    return install_starter()[0].project


@pytest.fixture
def client_user() -> User:
    return factories.make_user(username="claire", password=PASSWORD)


@pytest.fixture
def reviewer_user() -> User:
    return factories.make_reviewer(username="remi", password=PASSWORD)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "dish.jpg"
    path.write_bytes(factories.make_photo(size=(1200, 900)))
    return path


def choose(page: Page, path: Path) -> None:
    """Choose a photo; without JavaScript the form has a button of its own."""
    page.locator("input[type=file]").set_input_files(path)
    if not _has_script(page):
        page.get_by_role("button", name="Analyser").click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Déconnexion").first.click()
    expect(page.get_by_role("button", name="Connexion")).to_be_visible()


@pytest.mark.usefixtures("azure_blobs")
def test_wrong_prediction_reaches_the_reviewer_who_deletes_it(
    any_page: Page, live_server: LiveServer, project: Project, client_user: User, reviewer_user: User, photo: Path
) -> None:
    page = any_page
    sign_in_by_form(page, live_server, client_user)
    choose(page, photo)
    expect(page.get_by_role("table").first).to_contain_text("%")
    expect(page).to_have_url(re.compile("/predictions/[0-9]+/$"))

    page.get_by_role("button", name="NOK", exact=True).click()
    expect(page.get_by_text("Votre validation a été prise en compte")).to_be_visible()
    page.get_by_label("Une autre étiquette").fill("risotto")
    page.get_by_role("button", name="Envoyer", exact=True).click()
    expect(page.get_by_text("votre correction est enregistrée")).to_be_visible()
    page.get_by_text("Ajouter un commentaire").click()
    page.get_by_label("Commentaire").fill("aux cèpes")
    page.get_by_role("button", name="Envoyer le commentaire").click()
    expect(page.get_by_text("votre commentaire est enregistré")).to_be_visible()
    assert Misprediction.objects.get().suggested_tag == "risotto"
    assert page.get_by_role("link", name="Prédiction erronée").count() == 0

    sign_out(page)
    sign_in_by_form(page, live_server, reviewer_user)
    page.get_by_role("link", name="Prédiction erronée").first.click()
    expect(page.get_by_text(re.compile("Plutôt.: risotto"))).to_be_visible()
    thumbnail = page.locator("img[src*='/thumbnail']").first
    expect(thumbnail).to_be_visible()
    thumbnail.click()
    expect(page.get_by_text("aux cèpes")).to_be_visible()
    page.locator("button[name=act][value=delete]").click()
    expect(page).to_have_url(re.compile(r"/mispredictions/(\?.*)?$"))
    page.locator("a[href$='/bin/']").click()
    page.locator("[form=erase-one]").click()
    page.locator("[name=confirmed]").click()
    expect(page).to_have_url(f"{live_server.url}/mispredictions/bin/")

    assert not Misprediction.objects.exists()
    assert not Picture.objects.exists()
    assert Verdict.objects.get().value == "NOK"


def test_ok_leads_to_the_confirmation_and_keeps_nothing(
    any_page: Page, live_server: LiveServer, project: Project, client_user: User, photo: Path
) -> None:
    sign_in(any_page, live_server, client_user)
    choose(any_page, photo)

    any_page.get_by_role("button", name="OK", exact=True).click()

    expect(any_page.get_by_text("Votre validation a été prise en compte")).to_be_visible()
    assert Verdict.objects.get().value == "OK"
    assert not Picture.objects.exists()


def test_refused_file_is_a_sentence_beside_the_former_photo(
    any_page: Page, live_server: LiveServer, project: Project, client_user: User, photo: Path, tmp_path: Path
) -> None:
    page = any_page
    sign_in(page, live_server, client_user)
    choose(page, photo)
    expect(page.get_by_role("table").first).to_contain_text("%")
    (tmp_path / "menu.jpg").write_bytes(b"%PDF-1.7 a menu")

    choose(page, tmp_path / "menu.jpg")

    expect(page.get_by_text(re.compile("PDF"))).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("%")
    expect(page.get_by_role("button", name="NOK", exact=True)).to_be_enabled()
    expect(page.locator("#photo-zone img")).to_be_visible()


SIZES = [(1366, 625), (1280, 720), (768, 1024), (390, 844), (390, 664)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_verdict_is_in_sight_with_the_answer(
    scripted_page: Page,
    live_server: LiveServer,
    project: Project,
    client_user: User,
    photo: Path,
    width: int,
    height: int,
) -> None:
    page = scripted_page
    page.set_viewport_size({"width": width, "height": height})
    sign_in(page, live_server, client_user)
    expect(page.get_by_role("button", name="NOK", exact=True)).to_have_count(0)

    choose(page, photo)

    words = page.locator("#in-words")
    for shown in (words, *page.locator(".verdicts button").all(), page.locator("#nok-notice")):
        expect(shown).to_be_in_viewport(ratio=1)
    sizes = page.locator("main *").evaluate_all("all => all.map((each) => parseFloat(getComputedStyle(each).fontSize))")
    assert max(sizes) == float(words.evaluate("each => parseFloat(getComputedStyle(each).fontSize)"))
    buttons = page.locator(".verdicts").bounding_box()
    assert buttons
    covered = page.evaluate(
        "([x, y]) => !document.elementFromPoint(x, y).closest('.verdicts')",
        [buttons["x"] + 20, buttons["y"] + buttons["height"] / 2],
    )
    assert not covered
    page.locator("footer").scroll_into_view_if_needed()
    if width < 640:  # the bar stays in sight, and covers nothing that could not be scrolled away
        bar, footer = page.locator(".verdict-bar").bounding_box(), page.locator("footer p").first.bounding_box()
        assert bar
        assert footer
        assert footer["y"] + footer["height"] <= bar["y"]


@pytest.mark.parametrize(("key", "value"), [("o", "OK"), ("N", "NOK")])
def test_key_gives_the_verdict(
    scripted_page: Page,
    live_server: LiveServer,
    project: Project,
    client_user: User,
    photo: Path,
    key: str,
    value: str,
) -> None:
    sign_in(scripted_page, live_server, client_user)
    choose(scripted_page, photo)
    expect(scripted_page.locator(".btn-ok kbd")).to_be_visible()

    scripted_page.keyboard.press(key)

    expect(scripted_page.get_by_text("Votre validation a été prise en compte")).to_be_visible()
    assert Verdict.objects.get().value == value


def test_keys_are_switched_off_in_the_menu(
    scripted_page: Page, live_server: LiveServer, project: Project, client_user: User, photo: Path
) -> None:
    page = scripted_page
    sign_in(page, live_server, client_user)
    choose(page, photo)
    expect(page.locator("#in-words")).to_be_visible()
    page.locator("[popovertarget=user-menu]").click()
    page.keyboard.press("o")  # a menu that is open has the keyboard
    page.get_by_role("form", name="Raccourcis d’une touche").get_by_role("button", name="Non").click()
    expect(page.locator("html")).to_have_attribute("data-keys", "off")

    page.keyboard.press("o")

    expect(page.locator("kbd").first).to_be_hidden()
    expect(page.get_by_role("button", name="OK", exact=True)).to_be_enabled()
    assert not Verdict.objects.exists()


def _has_script(page: Page) -> bool:
    return page.locator("html.has-script").count() == 1


def test_preview_is_upright_and_there_before_the_answer(
    scripted_page: Page, live_server: LiveServer, project: Project, client_user: User, photo: Path
) -> None:
    page = scripted_page
    sign_in(page, live_server, client_user)
    page.route(re.compile("/$"), lambda route: None if route.request.method == "POST" else route.continue_())

    page.locator("input[type=file]").set_input_files(photo)

    expect(page.locator("img[src^='blob:']")).to_be_visible(timeout=2000)


def test_other_photo_on_the_same_page_replaces_the_first(
    scripted_page: Page, live_server: LiveServer, project: Project, client_user: User, photo: Path, tmp_path: Path
) -> None:
    page = scripted_page
    sign_in(page, live_server, client_user)
    choose(page, photo)
    expect(page).to_have_url(re.compile("/predictions/[0-9]+/$"))
    first = page.url
    other = tmp_path / "other.jpg"
    other.write_bytes(factories.make_photo())

    choose(page, other)

    expect(page).not_to_have_url(first)
    expect(page.get_by_role("button", name="NOK", exact=True)).to_be_enabled()


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.slow)])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_nothing_scrolls_sideways(
    browser: Browser,
    live_server: LiveServer,
    project: Project,
    reviewer_user: User,
    width: int,
    scheme: str,
) -> None:
    row = factories.make_misprediction(user=reviewer_user)
    confirmation = f"/predictions/{row.prediction.pk}/verdict/given/"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="fr-FR")  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server, reviewer_user)

    for path in ("/", confirmation, "/mispredictions/", f"/mispredictions/{row.pk}/", "/accounts/password/"):
        page.goto(live_server.url + path)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, path
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
    context.close()


@pytest.mark.usefixtures("azure_blobs")
def test_reviewer_sees_the_picture_by_a_link_of_the_storage(
    scripted_page: Page, live_server: LiveServer, reviewer_user: User, azurite: str, settings: Settings
) -> None:
    """The page's security policy lets the browser follow the link."""
    settings.CLASSIFR_SAS_SECONDS = 60
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy | {"img-src": [*policy["img-src"], blob_origin(azurite)]}}
    row = factories.make_misprediction()
    sign_in(scripted_page, live_server, reviewer_user)

    scripted_page.goto(f"{live_server.url}/mispredictions/{row.pk}/")

    shown = scripted_page.locator("img.photo")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == row.picture.width
