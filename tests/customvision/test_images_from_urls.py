"""Training images come in by address."""

from typing import Any

import pytest
from azure.cognitiveservices.vision.customvision.training.models import ImageUrlCreateBatch, ImageUrlCreateEntry
from pytest_django import Settings

from customvision.views import image_uploads
from tests import factories
from tests.customvision.answers import Call
from tests.customvision.incoming import make_tag, statuses
from training.models import Project
from web.fetching import NotFetched, TooLong


def post_urls(call: Call, project: Project, *urls: str, **fields: Any) -> Any:
    body = {"images": [{"url": url} for url in urls], **fields}
    return call("post", f"/projects/{project.uid}/images/urls", data=body, content_type="application/json")


def test_addresses_are_added_by_the_sdk(trainer: Any, settings: Settings) -> None:
    settings.CLASSIFR_URL_FETCH_ALLOW = ["localhost"]
    project, other = (trainer.create_project(name) for name in ("Flowers", "Trees"))
    trainer.create_images_from_data(other.id, factories.make_photo())
    (there,) = trainer.get_images(other.id)

    urls = [there.original_image_uri, "http://localhost:1/nobody"]
    batch = ImageUrlCreateBatch(images=[ImageUrlCreateEntry(url=url) for url in urls])
    summary = trainer.create_images_from_urls(project.id, batch)

    assert [(each.source_url, each.status) for each in summary.images] == list(
        zip(urls, ["OK", "ErrorSource"], strict=True)
    )


def test_address_that_gives_nothing_loses_none_of_the_others(
    call: Call, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, *, max_bytes: int) -> bytes:
        if "big" in url:
            raise TooLong("It is too big.")
        if "away" in url:
            raise NotFetched("It is away.")
        return b"text" if "text" in url else factories.make_photo()

    monkeypatch.setattr(image_uploads, "fetch_picture", fetch)
    answer = post_urls(call, project, *(f"https://example.org/{name}" for name in ("big", "away", "text", "photo")))

    assert answer.status_code == 207
    assert statuses(answer) == ["ErrorImageSize", "ErrorSource", "ErrorImageFormat", "OK"]
    assert project.images.get().name == "photo"


def test_all_addresses_of_a_full_batch_are_fetched(
    call: Call, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"https://example.org/{number}.jpg?sig=secret" for number in range(64)]
    monkeypatch.setattr(image_uploads, "fetch_picture", lambda url, *, max_bytes: factories.make_photo())

    answer = post_urls(call, project, *urls, tagIds=[make_tag(project)], metadata={"from": "web"})

    assert [each["sourceUrl"] for each in answer.json()["images"]] == urls
    assert project.images.filter(tags__name="hemlock", metadata={"from": "web"}).count() == 64
    assert not project.images.filter(name__contains="secret").exists()


def test_entry_without_an_address_is_refused(call: Call, project: Project) -> None:
    path = f"/projects/{project.uid}/images/urls"

    answer = call("post", path, data={"images": [{}]}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest")
    assert "images.0.url" in answer.json()["message"]
