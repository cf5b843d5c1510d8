"""The grid of images, its filters, its selection, and one image whole."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from catalog.models import Picture
from engine import backbones
from engine.splitting import Part
from tests import factories
from training.models import Image, Project, Tag
from training.views.images import PAGE_SIZE

SignIn = Callable[[User], Client]


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project(type="Multilabel")


@pytest.fixture
def pizza(project: Project) -> Tag:
    return project.tags.create(name="pizza")


@pytest.fixture
def risotto(project: Project) -> Tag:
    return project.tags.create(name="risotto")


def url(name: str, *args: Any) -> str:
    return reverse(f"training:{name}", args=args)


def make_picture_row(number: int) -> Picture:
    """Return a picture whose bytes are nowhere: quick, for many."""
    sha256 = f"{number:064x}"
    return Picture.objects.create(
        sha256=sha256, format="JPEG", width=4, height=3, byte_size=100, blob_key=f"pictures/{sha256}"
    )


def make_image(project: Project, *tags: Tag, **fields: Any) -> Image:
    picture = fields.pop("picture", None) or make_picture_row(Picture.objects.count())
    image = Image.objects.create(project=project, picture=picture, original_sha256="0" * 64, **fields)
    for tag in tags:
        image.image_tags.create(tag=tag, is_only=not project.is_multilabel)
    return image


def listed(site: Client, project: Project, **filters: str | int) -> list[Image]:
    page: list[Image] = site.get(url("images", project.pk), filters).context["page"].rows
    return page


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_number_of_queries_does_not_grow(
    site: Client, project: Project, pizza: Tag, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (3, 57):
        for _ in range(count):
            make_image(project, pizza)
        with django_assert_num_queries(11):
            site.get(url("images", project.pk))


def test_pages_follow_by_key_and_keep_the_filter(site: Client, project: Project, pizza: Tag) -> None:
    images = [make_image(project, pizza) for _ in range(PAGE_SIZE + 2)]
    make_image(project)

    first = site.get(url("images", project.pk), {"tag": pizza.pk})
    second = site.get(url("images", project.pk) + first.context["page"].next_url)

    assert first.context["page"].rows == images[:1:-1]
    assert second.context["page"].rows == images[1::-1]
    assert second.context["page"].next_url == ""


def test_each_filter_lets_its_own_through(site: Client, project: Project, pizza: Tag, risotto: Tag) -> None:
    untagged, tagged = make_image(project), make_image(project, pizza, risotto)
    held_out = make_image(project, risotto, part=Part.HELD_OUT.value)
    doubtful = make_image(project, quarantine="Several people could be meant.")
    make_image(factories.make_project())

    assert listed(site, project, tag=pizza.pk) == [tagged]
    assert listed(site, project, tag="any") == [held_out, tagged]
    assert listed(site, project, tag="none") == [doubtful, untagged]
    assert listed(site, project, held_out="on") == [held_out]
    assert listed(site, project, quarantined="on") == [doubtful]
    assert len(listed(site, project)) == 4


def test_nonsense_in_the_address_filters_nothing(site: Client, project: Project) -> None:
    image = make_image(project)

    assert listed(site, project, tag="x' OR 1", before="-1", held_out="") == [image]


def test_card_says_why_training_leaves_the_image_aside(site: Client, project: Project) -> None:
    make_image(project, quarantine="Several people could be meant.")

    assert "Several people could be meant." in site.get(url("images", project.pk)).content.decode()


def test_empty_grid_says_why(site: Client, project: Project) -> None:
    assert site.get(url("images", project.pk)).context["is_filtered"] is False
    assert site.get(url("images", project.pk), {"held_out": "on"}).context["is_filtered"] is True


def test_one_image_is_shown_whole(site: Client, project: Project, pizza: Tag) -> None:
    image = make_image(project, pizza, name="<script>alert(1)</script>")

    page = site.get(url("image", project.pk, image.pk)).content.decode()

    assert reverse("catalog:picture", args=[image.picture.sha256]) in page
    assert "pizza" in page
    assert "<script>alert" not in page


def test_image_of_another_project_is_not_found(site: Client, project: Project) -> None:
    image = make_image(factories.make_project())

    assert site.get(url("image", project.pk, image.pk)).status_code == HTTPStatus.NOT_FOUND


def test_selection_is_tagged(site: Client, project: Project, pizza: Tag, risotto: Tag) -> None:
    chosen, other = [make_image(project, risotto), make_image(project)], make_image(project)

    site.post(url("images_tag", project.pk), {"ids": [each.pk for each in chosen], "tag": "pizza"})

    assert [set(each.tags.all()) for each in chosen] == [{pizza, risotto}, {pizza}]
    assert not other.tags.exists()


def test_image_that_has_the_tag_does_not_count_as_changed(site: Client, project: Project, pizza: Tag) -> None:
    chosen = [make_image(project, pizza), make_image(project)]
    data = {"ids": [each.pk for each in chosen], "tag": "pizza"}

    assert said(site.post(url("images_tag", project.pk), data, follow=True)) == "1 image changed."


def test_only_tag_is_replaced(site: Client) -> None:
    project = factories.make_project()
    pizza, risotto = (project.tags.create(name=name) for name in ("pizza", "risotto"))
    image = make_image(project, pizza)

    site.post(url("images_tag", project.pk), {"ids": image.pk, "tag": "risotto"})

    assert image.tags.get() == risotto


def test_tag_is_taken_from_those_that_have_it(site: Client, project: Project, pizza: Tag, risotto: Tag) -> None:
    both, one = make_image(project, pizza, risotto), make_image(project, risotto)
    data = {"ids": [both.pk, one.pk], "tag": "pizza", "untag": "1"}

    answer = site.post(url("images_tag", project.pk), data, follow=True)

    assert (both.tags.get(), one.tags.get()) == (risotto, risotto)
    assert said(answer) == "1 image changed."


def test_only_tag_needs_not_be_named_to_be_removed(site: Client) -> None:
    project = factories.make_project()
    image = make_image(project, project.tags.create(name="pizza"))

    site.post(url("images_tag", project.pk), {"ids": image.pk, "tag": "", "untag": "1"})

    assert not image.tags.exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [({"tag": ""}, "Choose a tag."), ({"tag": "", "untag": "1"}, "Choose a tag."), ({"tag": "0"}, "no such tag")],
)
def test_tag_that_is_missing_is_said(
    site: Client, project: Project, pizza: Tag, data: dict[str, str], sentence: str
) -> None:
    image = make_image(project, pizza)

    answer = site.post(url("images_tag", project.pk), {"ids": image.pk, **data}, follow=True)

    assert sentence in said(answer)
    assert image.tags.get() == pizza


@pytest.mark.parametrize("name", ["images_tag", "images_delete"])
@pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["123456"]])
def test_selecting_nothing_is_said(site: Client, project: Project, pizza: Tag, name: str, ids: list[str]) -> None:
    answer = site.post(url(name, project.pk), {"ids": ids, "tag": "pizza", "confirmed": "1"}, follow=True)

    assert "Choose at least one image" in said(answer)


def test_deleting_asks_first(site: Client, project: Project) -> None:
    image = make_image(project)

    answer = site.post(url("images_delete", project.pk), {"ids": image.pk})

    assert answer.context["images"] == [image]
    assert project.images.exists()


def test_confirmed_deletion_erases_images_and_pictures(site: Client, project: Project) -> None:
    gone = make_image(project, picture=factories.make_picture())
    stays = make_image(project, picture=factories.make_picture())

    answer = site.post(url("images_delete", project.pk), {"ids": gone.pk, "confirmed": "1"}, follow=True)

    assert project.images.get() == stays
    assert Picture.objects.get() == stays.picture
    assert said(answer) == "1 image deleted."


def test_image_of_another_project_is_never_changed(site: Client, project: Project, pizza: Tag) -> None:
    image = make_image(factories.make_project())

    site.post(url("images_tag", project.pk), {"ids": image.pk, "tag": "pizza"})
    site.post(url("images_delete", project.pk), {"ids": image.pk, "confirmed": "1"})

    assert Image.objects.untagged().get() == image


def test_act_leads_back_to_the_same_filters(site: Client, project: Project, pizza: Tag) -> None:
    image = make_image(project)
    back = url("images", project.pk) + "?tag=none"

    answer = site.post(url("images_tag", project.pk), {"ids": image.pk, "tag": "pizza", "next": back})

    assert answer.headers["Location"] == back


def test_similar_images_are_those_of_the_nearest_vectors(site: Client, project: Project) -> None:
    image, far, near = (make_image(project) for _ in range(3))
    backbone = backbones.for_domain(project.domain).name
    for each, value in ((image, [1.0, 0.0]), (far, [0.0, 1.0]), (near, [2.0, 0.1])):
        each.picture.vectors.create(backbone=backbone, value=value)
    make_image(factories.make_project(), picture=make_picture_row(99)).picture.vectors.create(
        backbone=backbone, value=[1.0, 0.0]
    )

    assert site.get(url("image", project.pk, image.pk)).context["similar"] == [near, far]


def test_image_without_a_vector_has_no_similar_ones(site: Client, project: Project) -> None:
    image = make_image(project)

    assert site.get(url("image", project.pk, image.pk)).context["similar"] == []


def test_totals_are_told_with_and_without_filters(site: Client, project: Project, pizza: Tag) -> None:
    make_image(project, pizza)
    make_image(project)

    context = site.get(url("images", project.pk), {"tag": pizza.pk}).context

    assert (context["total"], context["found"]) == (2, 1)


def test_each_label_names_one_field(site: Client, project: Project, pizza: Tag) -> None:
    found = re.findall(r' id="([^"]+)"', site.get(url("images", project.pk)).content.decode())

    assert sorted(found) == sorted(set(found))
