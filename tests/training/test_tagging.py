"""Tags are put on images and taken off by one service, whoever asks: planned, locked, in bulk, in order."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.training.test_batches import at_once
from training.exceptions import CannotConvert
from training.models import Image, ImageTag, Project, Tag
from training.services.images import upload_images
from training.services.projects import change_project
from training.services.tagging import Pair, Tagging, tag_images, untag_images
from training.uploads import ImageUpload

pytestmark = pytest.mark.django_db

T = TypeVar("T")


def make_project(type: str = "Multilabel") -> Project:
    return factories.make_project(type=type)


def make_tags(project: Project, *names: str, **fields: Any) -> list[Tag]:
    return [project.tags.create(name=name, **fields) for name in names]


def make_images(project: Project, count: int, *tags: Tag) -> list[Image]:
    return [factories.make_image(project=project, tags=tags, size=(16, 12)) for _ in range(count)]


def pairs_of(images: Iterable[Image], *tags: Tag) -> list[Pair]:
    return [Pair(image, tag) for image in images for tag in tags]


def names(image: Image) -> list[str]:
    return [row.tag.name for row in image.image_tags.order_by("pk")]


def rows(made: Sequence[ImageTag]) -> list[Pair]:
    return [Pair(row.image, row.tag) for row in made]


# Planned


def test_tag_takes_the_place_of_the_only_one_where_that_is_asked() -> None:
    project = make_project("Multiclass")
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [image] = make_images(project, 1, pizza)

    assert tag_images(project, [Pair(image, risotto)]).exceeded == (Pair(image, risotto),)
    done = tag_images(project, [Pair(image, risotto)], replace=True)

    assert names(image) == ["risotto"]
    assert (rows(done.created), rows(done.removed)) == ([Pair(image, risotto)], [Pair(image, pizza)])


def test_regular_tag_takes_the_place_of_the_negative_one_alone() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [nothing] = make_tags(project, "nothing", type="Negative")
    [image] = make_images(project, 1, nothing)

    tag_images(project, [Pair(image, pizza)], replace=True)
    tag_images(project, [Pair(image, risotto)], replace=True)

    assert names(image) == ["pizza", "risotto"]


def test_negative_tag_takes_the_place_of_all_others() -> None:
    project = make_project()
    tags = make_tags(project, "pizza", "risotto")
    [nothing] = make_tags(project, "nothing", type="Negative")
    [image] = make_images(project, 1, *tags)

    done = tag_images(project, [Pair(image, nothing)], replace=True)

    assert (names(image), rows(done.removed)) == (["nothing"], pairs_of([image], *tags))


def test_last_of_several_that_exclude_each_other_stays() -> None:
    project = make_project("Multiclass")
    tags = make_tags(project, "pizza", "risotto", "cannoli")
    [image] = make_images(project, 1, tags[0])

    done = tag_images(project, pairs_of([image], tags[1], tags[2]), replace=True)

    assert names(image) == ["cannoli"]
    assert (rows(done.created), rows(done.removed)) == ([Pair(image, tags[2])], [Pair(image, tags[0])])


def test_tags_are_put_on_in_the_order_of_the_pairs() -> None:
    project = make_project()
    tags = make_tags(project, "b", "a", "c")
    first, second = make_images(project, 2)
    pairs = [Pair(second, tags[0]), Pair(first, tags[2]), Pair(second, tags[1]), Pair(first, tags[0])]

    done = tag_images(project, pairs)

    assert rows(done.created) == pairs == rows(list(ImageTag.objects.order_by("pk")))
    assert done.changed == (second, first)


def test_what_is_of_another_project_is_left_out() -> None:
    project, other = make_project(), make_project()
    [ours], [theirs] = make_tags(project, "pizza"), make_tags(other, "pizza")
    [image], [foreign] = make_images(project, 1), make_images(other, 1)

    done = tag_images(project, [Pair(image, theirs), Pair(foreign, ours)])

    assert done == Tagging()
    assert not ImageTag.objects.exists()


def test_tag_that_is_deleted_meanwhile_is_left_out() -> None:
    project = make_project()
    stays, goes = make_tags(project, "pizza", "risotto")
    [image] = make_images(project, 1)
    Tag.objects.filter(pk=goes.pk).delete()

    done = tag_images(project, pairs_of([image], stays, goes))

    assert rows(done.created) == [Pair(image, stays)]


def test_what_an_image_has_not_is_not_taken_off() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    with_it, without = make_images(project, 1, pizza) + make_images(project, 1, risotto)

    done = untag_images(project, pairs_of([with_it, without], pizza))

    assert rows(done.removed) == [Pair(with_it, pizza)]
    assert (names(with_it), names(without), done.changed) == ([], ["risotto"], (with_it,))


def test_change_can_be_taken_back_by_what_was_told_of_it() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [nothing] = make_tags(project, "nothing", type="Negative")
    images = make_images(project, 2, pizza, risotto) + make_images(project, 1) + make_images(project, 1, nothing)
    before = [names(image) for image in images]

    done = tag_images(project, pairs_of(images, nothing), replace=True)
    assert [names(image) for image in images] == [["nothing"]] * 4
    untag_images(project, rows(done.created))
    tag_images(project, rows(done.removed))

    assert [names(image) for image in images] == before


# In bulk


@pytest.mark.parametrize("acts_on", ["pizza", "nothing"])
def test_more_images_ask_the_database_no_more_often(acts_on: str) -> None:
    project = make_project()
    tags = [*make_tags(project, "pizza"), *make_tags(project, "nothing", type="Negative")]
    counts = []
    for count in (1, 5):
        made = make_images(project, count, tags[1])
        images = Image.objects.filter(pk__in=[each.pk for each in made]).prefetch_related("tags")
        with CaptureQueriesContext(connection) as asked:
            if acts_on == "pizza":
                done = tag_images(project, pairs_of(images, tags[0]), replace=True)
            else:
                done = untag_images(project, pairs_of(images, tags[1]))
        assert len(done.changed) == count
        counts.append(len(asked))

    assert counts[0] == counts[1]


# Locked


@pytest.mark.django_db(transaction=True)
def test_two_who_tag_the_same_images_at_once_lose_nothing() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    images = make_images(project, 12)

    at_once(
        lambda: tag_images(project, pairs_of(images, pizza), replace=True),
        lambda: tag_images(project, pairs_of(images[::-1], risotto), replace=True),
    )

    assert {frozenset(names(image)) for image in images} == {frozenset({"pizza", "risotto"})}


@pytest.mark.django_db(transaction=True)
def test_pictures_that_come_again_while_their_images_are_tagged_lose_nothing() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    contents = [factories.make_photo(size=(16, 12)) for _ in range(12)]
    uploads = [ImageUpload(f"{number}.jpg", content, (pizza,)) for number, content in enumerate(contents)]
    upload_images(project=project, batch=[ImageUpload(each.name, each.content) for each in uploads], by=None)
    images = list(project.images.order_by("pk"))

    at_once(
        lambda: upload_images(project=project, batch=uploads, by=None),
        lambda: tag_images(project, pairs_of(images, risotto)),
        lambda: upload_images(project=project, batch=uploads[::-1], by=None),
    )

    assert {frozenset(names(image)) for image in images} == {frozenset({"pizza", "risotto"})}


def is_waited_for() -> bool:
    """Say whether another connection waits for a lock of this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))")
        return bool(cursor.fetchone()[0])


def overlapping(first: Callable[[], Any], second: Callable[[], T]) -> T:
    """Commit the first act only when the second, on another connection, waits for it; return what the second did."""

    def on_another_connection() -> T:
        try:
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            done = pool.submit(on_another_connection)
            while not done.done() and not is_waited_for():
                time.sleep(0.01)
            assert not done.done(), "It did not wait."
        return done.result(60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("type", "kind"), [("Multiclass", "Regular"), ("Multilabel", "Negative")])
def test_tag_that_another_excludes_meanwhile_is_told(type: str, kind: str) -> None:
    project = make_project(type)
    [pizza], [other] = make_tags(project, "pizza"), make_tags(project, "other", type=kind)
    [image] = make_images(project, 1)

    done = overlapping(
        lambda: tag_images(project, [Pair(image, pizza)]), lambda: tag_images(project, [Pair(image, other)])
    )

    assert done == Tagging(exceeded=(Pair(image, other),))
    assert names(image) == ["pizza"]


def test_who_has_not_heard_of_the_projects_new_type_tags_by_it() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [image] = make_images(project, 1)
    change_project(Project.objects.get(pk=project.pk), type="Multiclass")

    done = tag_images(project, pairs_of([image], pizza, risotto))

    assert (names(image), done.exceeded) == (["pizza"], (Pair(image, risotto),))


@pytest.mark.django_db(transaction=True)
def test_project_changes_its_type_only_when_its_images_are_free() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [image] = make_images(project, 1, pizza)

    with pytest.raises(CannotConvert, match="1 image "):
        overlapping(
            lambda: tag_images(project, [Pair(image, risotto)]),
            lambda: change_project(Project.objects.get(pk=project.pk), type="Multiclass"),
        )

    assert Project.objects.get(pk=project.pk).is_multilabel


@pytest.mark.django_db(transaction=True)
def test_who_tags_while_the_project_changes_its_type_waits_for_it() -> None:
    project = make_project()
    pizza, risotto = make_tags(project, "pizza", "risotto")
    [image] = make_images(project, 1)

    done = overlapping(
        lambda: change_project(Project.objects.get(pk=project.pk), type="Multiclass"),
        lambda: tag_images(project, pairs_of([image], pizza, risotto)),
    )

    assert (names(image), done.exceeded) == (["pizza"], (Pair(image, risotto),))


@pytest.mark.django_db(transaction=True)
def test_picture_that_is_uploaded_while_the_project_changes_its_type_follows_it() -> None:
    project = make_project()
    tags = make_tags(project, "pizza", "risotto")
    upload = ImageUpload("a.jpg", factories.make_photo(size=(16, 12)), tuple(tags))

    overlapping(
        lambda: change_project(Project.objects.get(pk=project.pk), type="Multiclass"),
        lambda: upload_images(project=project, batch=[upload], by=None),
    )

    assert names(project.images.get()) == ["pizza"]


@pytest.mark.django_db(transaction=True)
def test_tag_takes_the_place_of_the_one_that_another_put_on_meanwhile() -> None:
    project = make_project("Multiclass")
    pizza, risotto, cannoli = make_tags(project, "pizza", "risotto", "cannoli")
    [image] = make_images(project, 1, pizza)

    done = overlapping(
        lambda: tag_images(project, [Pair(image, risotto)], replace=True),
        lambda: tag_images(project, [Pair(image, cannoli)], replace=True),
    )

    assert (names(image), rows(done.removed)) == (["cannoli"], [Pair(image, risotto)])


@pytest.mark.django_db(transaction=True)
def test_tag_that_another_took_off_meanwhile_is_put_on_again() -> None:
    project = make_project()
    [pizza] = make_tags(project, "pizza")
    [image] = make_images(project, 1, pizza)

    overlapping(lambda: untag_images(project, [Pair(image, pizza)]), lambda: tag_images(project, [Pair(image, pizza)]))

    assert names(image) == ["pizza"]


@pytest.mark.django_db(transaction=True)
def test_tag_of_a_picture_that_comes_again_meanwhile_is_seen() -> None:
    project = make_project("Multiclass")
    pizza, risotto = make_tags(project, "pizza", "risotto")
    content = factories.make_photo(size=(16, 12))
    image = factories.make_image(project=project, content=content)

    done = overlapping(
        lambda: upload_images(project=project, batch=[ImageUpload("a.jpg", content, (pizza,))], by=None),
        lambda: tag_images(project, [Pair(image, risotto)]),
    )

    assert (names(image), done.exceeded) == (["pizza"], (Pair(image, risotto),))
