"""The header fits whoever reads it, in every language, at every width and in wide letters as in narrow ones."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from jobs.models import Job
from tests import factories
from tests.browser.signing_in import sign_in
from tests.conftest import lacking

WIDTHS = (320, 360, 390, 480, 640, 768, 895, 896, 960, 1024, 1100, 1183, 1184, 1280, 1366, 1440)
HIGHEST = 64
FONTS = ("DejaVu Sans", "Liberation Sans")
LONG_NAME = "marie-antoinette.de-la-rochefoucauld"
ROLES: dict[str, Callable[[], User]] = {
    "client": lambda: factories.make_user(username=LONG_NAME),
    "reviewer": lambda: factories.make_reviewer(username=LONG_NAME),
    "developer": lambda: factories.make_developer(username=LONG_NAME),
    "administrator": lambda: User.objects.create_superuser(LONG_NAME, password="s3cret-enough"),
}
LOOK = """([highest]) => {
  const header = document.querySelector(".site-header");
  const shown = [...header.querySelectorAll(".brand, .nav-button, .btn")].filter(
    (each) => each.offsetParent && !each.closest(":is(.user-menu, .tray-panel):not(nav)"),
  );
  const boxes = shown.map((each) => [each.textContent.trim(), each.getBoundingClientRect()]);
  const notes = [];
  for (const [n, [name, a]] of boxes.entries()) {
    if (a.left < 0 || a.right > innerWidth + 0.5) notes.push(`${name} is outside`);
    for (const [other, b] of boxes.slice(n + 1)) {
      if (a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5) {
        notes.push(`${name} lies on ${other}`);
      }
    }
  }
  for (const each of shown.filter((one) => one.scrollWidth > one.clientWidth + 1)) {
    notes.push(`${each.textContent.trim()} is cut`);
  }
  const who = header.querySelector(".user-button .who");
  if (who?.offsetParent) {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = getComputedStyle(who).font;
    const six = canvas.measureText(`${who.textContent.slice(0, 6)}…`).width;
    if (who.clientWidth + 1 < Math.min(six, who.scrollWidth)) notes.push("the name has fewer than six characters");
  }
  const items = header.querySelectorAll(".site-nav .nav-button").length;
  if (items > 6) notes.push(`${items} items`);
  if (header.offsetHeight > highest) notes.push(`${header.offsetHeight} px high`);
  if (document.documentElement.scrollWidth > innerWidth) notes.push("the page scrolls sideways");
  return notes;
}"""

WIDTHS_OF_A_WORD = """(fonts) => fonts.map((font) => {
  const context = document.createElement("canvas").getContext("2d");
  const [here, elsewhere] = [`'${font}', monospace`, "monospace"].map((family) => {
    context.font = `40px ${family}`;
    return context.measureText("Déconnexion").width;
  });
  return here !== elsewhere;
})"""
"""Whether each font is there: else another one is taken in its place."""


@pytest.fixture
def developer() -> User:
    return factories.make_developer(username="diane")


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    made = browser.new_context(locale=request.param, viewport={"width": 1280, "height": 720})
    yield made
    made.close()


@pytest.mark.parametrize("context", ["fr-FR", "en-GB"], indirect=True)
@pytest.mark.parametrize("role", ROLES)
def test_nothing_in_the_header_lies_on_anything_else(
    context: BrowserContext, live_server: LiveServer, role: str
) -> None:
    page, user = context.new_page(), ROLES[role]()
    if user.has_perm("accounts.develop"):
        for _ in range(12):
            Job.objects.create(kind="embed", msgid="Prepare the images")
    sign_in(page, live_server, user, "/projects/" if user.has_perm("accounts.develop") else "/uploads/")
    if user.has_perm("accounts.develop"):
        expect(page.locator("#tray-count")).to_contain_text("12")
    notes = []
    if page.evaluate(WIDTHS_OF_A_WORD, list(FONTS)) != [True, True]:
        lacking(f"One of the fonts {', '.join(FONTS)}")
    for font in FONTS:
        page.evaluate("(font) => { document.body.style.fontFamily = `'${font}'`; }", font)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 720})
            notes += [f"{font}, {width} px: {note}" for note in page.evaluate(LOOK, [HIGHEST])]

    assert notes == []


def test_menus_close_on_escape_and_on_a_click_beside(
    scripted_page: Page, live_server: LiveServer, developer: User
) -> None:
    page = scripted_page
    sign_in(page, live_server, developer, "/projects/")
    for name in ("user-menu", "tray-panel"):
        opener, menu = page.locator(f"[popovertarget={name}]"), page.locator(f"#{name}")
        opener.click()
        expect(menu).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        opener.click()
        expect(menu).to_be_visible()
        page.mouse.click(300, 500)
        expect(menu).to_be_hidden()
        opener.click()
        opener.click()
        expect(menu).to_be_hidden()


def test_phone_has_everything_in_one_menu(browser: Browser, live_server: LiveServer, developer: User) -> None:
    context = browser.new_context(locale="fr-FR", viewport={"width": 390, "height": 664})
    page = context.new_page()
    sign_in(page, live_server, developer, "/projects/")
    expect(page.get_by_role("link", name="Mes envois")).to_be_hidden()

    page.get_by_role("button", name="Menu").click()

    for role, name in (("link", "Mes envois"), ("link", "Mot de passe"), ("button", "Sombre")):
        expect(page.get_by_role(role, name=name)).to_be_visible()  # type: ignore[arg-type]
    page.get_by_role("button", name="Déconnexion").click()
    expect(page).to_have_url(f"{live_server.url}/accounts/login/")
    context.close()
