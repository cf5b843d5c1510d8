"""The ways in which a photo reaches the page: pasted, dropped, taken, shrunk on the way."""

import base64
import hashlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from classifier.models import PendingPhoto, Prediction
from tests import factories
from tests.browser.photos import drag, make_heavy_photo, paste
from tests.browser.signing_in import sign_in
from tests.browser.test_main_job import choose
from tests.ends import FILES
from training.models import Project
from training.services.starter import install_starter

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def project() -> Project:
    return install_starter()[0].project


@pytest.fixture
def person() -> User:
    return factories.make_user(username="claire")


@pytest.fixture
def page(scripted_page: Page, live_server: LiveServer, person: User) -> Page:
    """The empty page, with someone signed in."""
    sign_in(scripted_page, live_server, person)
    return scripted_page


def test_pasted_file_is_sent_as_it_is(page: Page) -> None:
    photo = factories.make_photo()

    paste(page, ("dish.jpg", "image/jpeg", photo))

    expect(page.locator(".in-words")).to_be_visible()
    assert Prediction.objects.get().photo_sha256 == hashlib.sha256(photo).hexdigest()


def test_pasted_file_of_another_format_is_converted(page: Page) -> None:
    paste(page, ("menu.png", "image/png", factories.make_photo(format="PNG")))

    expect(page.locator(".in-words")).to_be_visible()
    expect(page.locator("#photo-note")).to_contain_text("PNG")


def moving(format: str) -> bytes:
    """Two frames, the first of them red."""
    first, second = (Image.new("RGB", (320, 240), colour) for colour in ("red", "blue"))
    written = io.BytesIO()
    first.save(written, format, save_all=True, append_images=[second], duration=100)
    return written.getvalue()


def transparent(format: str) -> bytes:
    """Red in the middle, clear around it."""
    picture = Image.new("RGBA", (320, 240), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (80, 60, 240, 180))
    written = io.BytesIO()
    picture.save(written, format)
    return written.getvalue()


CONVERTED: dict[str, tuple[str, bytes]] = {
    "PNG": ("PNG", transparent("PNG")),
    "WebP": ("WebP", transparent("WEBP")),
    "moving WebP": ("WebP", moving("WEBP")),
    "AVIF": ("AVIF", transparent("AVIF")),
    "GIF": ("GIF", moving("GIF")),
    "BMP": ("BMP", factories.make_photo(format="BMP")),
}


@pytest.mark.parametrize("kind", CONVERTED)
def test_what_the_browser_can_read_becomes_a_jpeg(page: Page, tmp_path: Path, kind: str) -> None:
    """Whatever its name says; of what moves the first picture, on white what is transparent."""
    format, content = CONVERTED[kind]
    (tmp_path / "dish.jpg").write_bytes(content)

    choose(page, tmp_path / "dish.jpg")

    expect(page.locator(".in-words")).to_be_visible()
    expect(page.locator("#photo-note")).to_have_text(f"Photo convertie de {format} par votre navigateur.")
    sent = Image.open(io.BytesIO(bytes(PendingPhoto.objects.get().content)))
    assert (sent.format, sent.size, sent.mode) == ("JPEG", (320, 240), "RGB")
    if kind != "BMP":
        red, green, blue = sent.getpixel((160, 120))  # type: ignore[misc]
        assert red > 200 > 90 > max(green, blue)
    if kind in {"PNG", "WebP", "AVIF"}:
        assert min(sent.getpixel((10, 10))) > 240  # type: ignore[arg-type]


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_photo_that_the_browser_cannot_read_says_what_to_do(page: Page, tmp_path: Path, brand: bytes) -> None:
    (tmp_path / "IMG_0001.jpg").write_bytes(b"\x00\x00\x00\x18ftyp" + brand + bytes(500))

    choose(page, tmp_path / "IMG_0001.jpg")

    expect(page.locator("#upload-failure")).to_contain_text("AVIF" if brand == b"avif" else "HEIC")
    expect(page.locator("#upload-failure")).to_contain_text("JPEG")
    assert not Prediction.objects.exists()


def test_each_photo_of_several_says_what_it_was(page: Page, tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(CONVERTED["PNG"][1])
    (tmp_path / "two.jpg").write_bytes(factories.make_photo())

    page.locator("#id_photo").set_input_files([tmp_path / "one.png", tmp_path / "two.jpg"])

    expect(page.locator(".in-words")).to_have_count(2)
    notes = page.locator("[data-note]")
    expect(notes.first).to_contain_text("PNG")
    expect(notes.last).to_be_hidden()


def test_pasted_screenshot_becomes_a_jpeg(page: Page) -> None:
    paste(page, ("image.png", "image/png", factories.make_photo(format="PNG")))

    expect(page.locator(".in-words")).to_be_visible()


def test_button_pastes_what_the_clipboard_holds(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("""async () => {
      const canvas = new OffscreenCanvas(320, 240);
      canvas.getContext("2d").fillRect(40, 40, 90, 90);
      const png = await canvas.convertToBlob();
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    }""")

    page.locator("[data-paste]").click()

    expect(page.locator(".in-words")).to_be_visible()


def test_clipboard_without_a_picture_is_a_sentence(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('no picture')")

    page.locator("[data-paste]").click()

    expect(page.locator("#photo-note")).not_to_be_empty()
    assert not Prediction.objects.exists()


def test_photo_is_dropped_anywhere(page: Page) -> None:
    photo = ("dish.jpg", "image/jpeg", factories.make_photo())
    overlay = page.locator("#drop-overlay")

    drag(page, "dragover", photo)
    expect(overlay).to_be_visible()
    has_left = drag(page, "drop", photo)

    assert not has_left
    expect(overlay).to_be_hidden()
    expect(page.locator(".in-words")).to_be_visible()


def test_stray_drop_does_not_leave_a_page_without_a_model(page: Page, project: Project) -> None:
    Project.objects.update(live_iteration=None)
    page.reload()
    expect(page.locator("#photo-form")).to_have_count(0)

    assert not drag(page, "drop", ("dish.jpg", "image/jpeg", factories.make_photo()))


@pytest.mark.parametrize("is_phone", [True, False])
def test_camera_is_offered_where_fingers_point(
    browser: Browser, live_server: LiveServer, person: User, tmp_path: Path, is_phone: bool
) -> None:
    context = browser.new_context(
        locale="fr-FR", viewport={"width": 390, "height": 844}, has_touch=is_phone, is_mobile=is_phone
    )
    page = context.new_page()
    sign_in(page, live_server, person)
    camera = page.locator("[data-camera]")
    expect(camera).to_be_visible(visible=is_phone)

    if is_phone:
        with page.expect_file_chooser() as chooser:
            camera.tap()
        assert chooser.value.element.get_attribute("capture") == "environment"
        (tmp_path / "taken.jpg").write_bytes(factories.make_photo())
        chooser.value.set_files(tmp_path / "taken.jpg")
        expect(page.locator(".in-words")).to_be_visible()
    context.close()


def test_heavy_photo_is_sent_smaller_upright_and_without_its_metadata(page: Page, tmp_path: Path) -> None:
    heavy = make_heavy_photo(tmp_path / "heavy.jpg")
    assert heavy.stat().st_size > 4 * MIB

    choose(page, heavy)

    expect(page.locator(".in-words")).to_be_visible()
    expect(page.locator("#photo-note")).to_be_visible()
    prediction, held = Prediction.objects.get(), bytes(PendingPhoto.objects.get().content)
    assert prediction.photo_byte_size < 4 * MIB
    assert prediction.photo_sha256 == hashlib.sha256(held).hexdigest(), "the server found metadata to take away"
    sent = Image.open(io.BytesIO(held))
    assert dict(sent.getexif()) == {}
    assert sent.height > sent.width
    upper, lower = sent.getpixel((400, 200)), sent.getpixel((400, sent.height - 200))
    assert upper[0] > lower[0] + 80  # type: ignore[index]


HEAVY_AND_PREPARED = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const comment = Uint8Array.of(0xff, 0xfe, 0xff, 0xff, ...new Uint8Array(65533));
  const heavy = new File([bytes.slice(0, 2), ...Array(70).fill(comment), bytes.slice(2)], "dish.jpg");
  const say = document.getElementById("photo-form").dataset;
  return classifr.prepare(heavy, say).then(({ photo }) => photo.size, () => 0);
}"""


def test_heavy_photos_with_every_kind_of_end_are_judged_as_by_the_server(page: Page) -> None:
    """Before they are drawn anew: a row that is missing would be one of the picture afterwards."""
    for name, file in FILES.items():
        size = page.evaluate(HEAVY_AND_PREPARED, base64.b64encode(file.content).decode())

        assert (0 < size < MIB) == (file.is_whole or file.is_coarse), name


def test_heavy_file_that_is_no_photo_is_named_without_being_sent_whole(page: Page, tmp_path: Path) -> None:
    (tmp_path / "menu.jpg").write_bytes(b"%PDF-1.7" + bytes(5 * MIB))

    with page.expect_request(lambda request: request.method == "POST") as sent:
        choose(page, tmp_path / "menu.jpg")

    expect(page.locator("#photo-errors")).to_contain_text("PDF")
    assert sent.value.sizes()["requestBodySize"] < MIB / 4


def test_heavy_photo_that_no_browser_can_read_is_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(5 * MIB))

    choose(page, tmp_path / "noise.jpg")

    expect(page.locator("#upload-failure")).to_have_text(re.compile("5,1"))
