"""The split: fixed, stratified, and honest."""

import hashlib

import numpy as np
import pytest

from engine import nearness, splitting
from engine.splitting import Part, Parts


def names(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def split(count: int = 100, *, tags: int = 2, **changes: object) -> Parts:
    given = {
        "parts": np.zeros(count, dtype=np.int8),
        "sha256s": names(count),
        "truths": np.arange(count)[:, None] % tags == np.arange(tags),
        "groups": np.arange(count),
        "may_hold_out": np.ones(count, dtype=np.bool_),
        "is_new": np.ones(count, dtype=np.bool_),
        "salt": "a",
        **changes,
    }
    return splitting.split(given.pop("parts"), **given)


def test_a_fifth_of_each_tag_is_held_out() -> None:
    parts = split(100)

    assert [(parts[row::2] == Part.HELD_OUT).sum() for row in (0, 1)] == [10, 10]
    assert Part.UNDECIDED not in parts


def test_small_tag_keeps_most_of_its_pictures_for_training() -> None:
    assert (split(10, tags=2) == Part.HELD_OUT).sum() == 2


def test_split_depends_on_content_alone() -> None:
    order = np.random.default_rng(0).permutation(100)
    sha256s, truths = names(100), np.arange(100)[:, None] % 2 == np.arange(2)

    shuffled = split(100, sha256s=[sha256s[row] for row in order], truths=truths[order])

    np.testing.assert_array_equal(shuffled, split(100)[order])


def test_what_is_decided_stays() -> None:
    before = split(50)
    parts = np.concatenate([before, np.zeros(50, dtype=np.int8)])

    after = split(100, parts=parts)

    np.testing.assert_array_equal(after[:50], before)
    assert (after == Part.HELD_OUT).sum() == 20


def test_near_duplicates_are_on_one_side() -> None:
    groups = np.arange(100) // 2
    parts = split(100, groups=groups, truths=np.ones((100, 1), dtype=np.bool_))

    np.testing.assert_array_equal(parts[::2], parts[1::2])
    assert 15 <= (parts == Part.HELD_OUT).sum() <= 25


@pytest.mark.parametrize("side", [Part.TRAINING, Part.HELD_OUT])
def test_new_near_duplicate_follows_the_old_one(side: Part) -> None:
    parts = np.zeros(100, dtype=np.int8)
    parts[0] = side
    groups = np.arange(100)
    groups[50] = 0

    assert split(100, parts=parts, groups=groups)[50] == side


def test_near_duplicate_of_what_is_held_out_is_left_out_where_it_may_not_measure() -> None:
    parts = np.zeros(100, dtype=np.int8)
    parts[0] = Part.HELD_OUT
    groups = np.arange(100)
    groups[50] = 0

    assert split(100, parts=parts, groups=groups, may_hold_out=np.arange(100) != 50)[50] == Part.LEFT_OUT


def test_held_out_near_duplicate_of_what_was_trained_on_is_left_out() -> None:
    parts = np.zeros(100, dtype=np.int8)
    parts[:2] = Part.TRAINING, Part.HELD_OUT
    groups = np.arange(100)
    groups[[1, 50]] = 0

    assert split(100, parts=parts, groups=groups)[[0, 1, 50]].tolist() == [Part.TRAINING, Part.LEFT_OUT, Part.LEFT_OUT]


def test_what_measured_before_goes_on_though_a_new_picture_is_between() -> None:
    parts = np.zeros(100, dtype=np.int8)
    parts[:2] = Part.TRAINING, Part.HELD_OUT
    groups = np.arange(100)
    groups[[1, 50]] = 0
    is_new = np.arange(100) >= 50

    after = split(100, parts=parts, groups=groups, is_new=is_new)

    assert after[[0, 1, 50]].tolist() == [Part.TRAINING, Part.HELD_OUT, Part.LEFT_OUT]


def test_what_may_not_measure_is_never_held_out() -> None:
    may = np.arange(100) >= 90

    parts = split(100, may_hold_out=may)

    assert (parts[:90] == Part.TRAINING).all()
    assert (parts[90:] == Part.HELD_OUT).all()


def test_one_large_group_does_not_take_a_tag_out_of_training() -> None:
    parts = split(20, groups=np.zeros(20, dtype=np.intp))

    assert (parts == Part.TRAINING).all()


def test_recompressed_picture_is_nearly_the_same_and_another_is_not() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(50, 64)).astype(np.float32)
    again = vectors[:5] + 0.1 * random.normal(size=(5, 64)).astype(np.float32)

    groups = nearness.groups(np.concatenate([vectors, again]))

    assert groups[50:].tolist() == groups[:5].tolist()
    assert len(set(groups.tolist())) == 50


def test_pictures_that_are_all_alike_are_not_one_group() -> None:
    """As on a production line: the same part under the same lamp, a thousand times."""
    random = np.random.default_rng(0)
    alike = random.normal(size=64) + 0.2 * random.normal(size=(300, 64))

    assert len(set(nearness.groups(alike.astype(np.float32)).tolist())) > 250


def test_one_large_group_leaves_the_others_together() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 64)).astype(np.float32)
    twins = vectors[:10] + 0.1 * random.normal(size=(10, 64)).astype(np.float32)
    copies = np.repeat(vectors[29:], 20, axis=0)

    groups = nearness.groups(np.concatenate([vectors, twins, copies]))

    assert groups[30:40].tolist() == groups[:10].tolist()
    assert set(groups[40:].tolist()) == {groups[29]}


def test_many_pictures_are_grouped_by_buckets() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(4_500, 32)).astype(np.float32)
    again = vectors[:100] * 3

    groups = nearness.groups(np.concatenate([vectors, again]))

    assert groups[4_500:].tolist() == groups[:100].tolist()


def test_no_pictures_make_no_groups() -> None:
    assert nearness.groups(np.empty((0, 8), dtype=np.float32)).tolist() == []


def test_near_duplicates_are_dealt_into_one_fold_and_each_label_into_all() -> None:
    groups = np.concatenate([np.arange(40), [3, 3, 7]])
    labels = np.concatenate([np.arange(40) % 4, [3, 3, 3]])

    folds = splitting.deal(labels, groups, count=5)

    assert set(folds[groups == 3].tolist()) == {int(folds[3])}
    assert folds[42] == folds[7]
    assert all(np.bincount(folds[:40][labels[:40] == label], minlength=5).tolist() == [2] * 5 for label in range(4))
