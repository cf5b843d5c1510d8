"""Everything stands below `CLASSIFR_PATH_PREFIX`, behind a proxy that passes addresses on and one that cuts it off."""

import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest
import requests
from django.conf import settings

from tests import factories
from tests.classifr.front import Front, fronted
from tests.classifr.serving import PASSWORD, Served, served, token
from tests.customvision.clients.whole_site import make_key
from web.path_prefix import below

PREFIX = "/photos/classifr"
LINK = re.compile(r'\s(href|src|action|hx-get|hx-post|hx-delete|data-[a-z-]*(?:url|path|src))="([^"]*)"')
LEADS_OUT = re.compile(r"logout|/password|/delete/|/history/|jsi18n")
MOST_PAGES = 80


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/photos/classifr/x", "/x"),
        ("/photos/classifr/", "/"),
        ("/photos/classifr", ""),
        ("/photos/classifrs/x", "/photos/classifrs/x"),
        ("/x", "/x"),
    ],
)
def test_prefix_is_cut_off_where_it_is_one(path: str, inside: str) -> None:
    asked = []
    application = below(PREFIX, lambda environ, _: asked.append(environ["PATH_INFO"]) or [])  # type: ignore[func-returns-value]

    application({"PATH_INFO": path}, lambda *_: lambda _: None)

    assert asked == [inside]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("prefix")
    environment = {
        "CLASSIFR_HTTPS": "true",
        "CLASSIFR_PROXIES": "1",
        "CLASSIFR_PATH_PREFIX": PREFIX,
        "CLASSIFR_CORS_ORIGINS": "*",
    }
    site = Served(folder / "var", folder / "log", **environment)
    site.prepare()
    command = [sys.executable, "manage.py", "createsuperuser", "--no-input", "--username=ada", "--email=a@example.org"]
    more = {**site.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(command, env=more, cwd=settings.BASE_DIR, check=True, stdout=subprocess.DEVNULL)
    with served(folder / "var", folder / "log", **environment) as running, fronted(running, folder) as made:
        yield made


@pytest.mark.slow
@pytest.mark.xdist_group("path prefix")
def test_every_page_links_to_what_is_below_it_and_answers(front: Front) -> None:
    session = front.sign_in("ada")
    photo = front.send_photo(session, factories.make_photo())
    assert urlsplit(photo.url).path.startswith(f"{PREFIX}/predictions/")
    shown = session.post(f"{photo.url}verdict/", {"verdict": "NOK", "csrfmiddlewaretoken": token(photo.text)})
    assert shown.ok

    waiting, notes = deque([f"{front.address}/", photo.url, shown.url]), []
    seen: set[str] = set()
    while waiting and len(seen) < MOST_PAGES:
        url = waiting.popleft()
        answer = session.get(url)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            notes.append(f"{url} answers {answer.status_code}")
        for attribute, link in LINK.findall(answer.text if "html" in answer.headers["Content-Type"] else ""):
            target = urlsplit(urljoin(answer.url, link.replace("&amp;", "&")))
            if target.netloc != urlsplit(front.address).netloc or link.startswith(("#", "data:", "blob:")):
                continue
            if not f"{target.path}/".startswith(f"{PREFIX}/"):
                notes.append(f"{answer.url}: {attribute}={link}")
            kind = re.sub(r"[0-9a-f]{64}|[0-9]+", "N", target.path)
            if attribute in {"href", "src"} and kind not in seen and not LEADS_OUT.search(target.path):
                seen.add(kind)
                waiting.append(target._replace(fragment="").geturl())

    assert notes == []
    assert len(seen) > 40
    assert {cookie.path for cookie in session.cookies} == {PREFIX}


@pytest.mark.slow
@pytest.mark.xdist_group("path prefix")
def test_strangers_are_led_to_the_sign_in_below_it(front: Front) -> None:
    session = front.session()

    for path in ("/", "/uploads/", "/projects/"):
        lead = session.get(front.address + path, allow_redirects=False)
        assert lead.headers["Location"].startswith(f"{PREFIX}/accounts/login/?next={PREFIX}/"), path
    sent = session.post(front.address + "/", files={"photo": b"x"}, allow_redirects=False)
    assert sent.headers["Location"].startswith(f"{PREFIX}/accounts/login/"), sent.headers
    refused = session.post(front.address + "/", files={"photo": b"x"}, headers={"HX-Request": "true"})
    assert refused.headers["HX-Redirect"].startswith(f"{PREFIX}/accounts/login/")


@pytest.mark.slow
@pytest.mark.xdist_group("path prefix")
def test_program_gets_addresses_that_it_can_open(front: Front) -> None:
    session = front.session()
    session.headers["Training-Key"] = make_key(front.site)
    training = f"{front.address}/customvision/v3.3/Training"
    [project] = session.get(f"{training}/projects").json()
    images = f"{training}/projects/{project['id']}/images"

    made = session.post(images, data=factories.make_photo(), headers={"Content-Type": "application/octet-stream"})

    image = made.json()["images"][0]["image"]
    for name in ("originalImageUri", "resizedImageUri", "thumbnailUri"):
        assert image[name].startswith(f"{front.address}/customvision/"), image
        assert front.session().get(image[name]).headers["Content-Type"] == "image/jpeg"
    document = session.get(f"{front.address}/customvision/training/openapi.json")
    assert document.json()["servers"][0]["url"].startswith(f"{front.address}/customvision/")


@pytest.mark.slow
@pytest.mark.xdist_group("path prefix")
def test_question_of_a_browser_comes_through_the_proxy(front: Front) -> None:
    url = f"{front.address}/customvision/v3.0/Prediction/{UUID(int=0)}/classify/iterations/live/image"
    asking = {"Origin": "https://shop.example.org", "Access-Control-Request-Method": "POST"}

    answer = front.session().options(url, headers=asking)

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")


@pytest.mark.slow
@pytest.mark.xdist_group("path prefix")
def test_proxy_may_cut_it_off(front: Front) -> None:
    bare = f"http://127.0.0.1:{front.site.port}"
    headers = {"X-Forwarded-Proto": "https"}

    lead = requests.get(f"{bare}/uploads/", headers=headers, allow_redirects=False, timeout=10)

    assert lead.headers["Location"] == f"{PREFIX}/accounts/login/?next={PREFIX}/uploads/"
    assert requests.get(f"{bare}/healthz", headers=headers, timeout=10).ok
