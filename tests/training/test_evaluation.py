"""What is worked out of a snapshot, against values worked out by hand."""

import numpy as np
import pytest

from engine import metrics
from training import evaluation
from training.snapshots import Snapshot
from training.views import plots

PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7], [0.55, 0.45]], dtype=np.float32)
TRUTH = np.array([0, 0, 1, 1, 1])
"""The third and the fifth picture are "b" and are taken for "a"."""


def make_snapshot(*, multilabel: bool = False, truths: metrics.Flags | None = None) -> Snapshot:
    return Snapshot(
        tags=("a", "b"),
        tag_ids=(1, 2),
        sha256s=tuple(f"{number:064x}" for number in range(6)),
        truths=np.vstack([np.eye(2, dtype=np.bool_)[TRUTH] if truths is None else truths, [[True, False]]]),
        learned=np.array([False] * 5 + [True]),
        measured=np.array([True] * 5 + [False]),
        probabilities=PROBABILITIES,
        multilabel=multilabel,
    )


def numbers(judged: list[evaluation.Judged]) -> list[int]:
    return [int(each.sha256, 16) for each in judged]


def test_performance_by_hand() -> None:
    """At 0.65 "a" is said of the first and the third picture, "b" of the fourth."""
    told = evaluation.performance(make_snapshot(), threshold=0.65)

    assert told.overall.precision == pytest.approx(2 / 3)
    assert told.overall.recall == pytest.approx(2 / 5)
    assert [(each.score.precision, each.score.recall, each.pictures) for each in told.per_tag] == [
        (0.5, 0.5, 2),
        (1.0, pytest.approx(1 / 3), 3),
    ]


def test_what_is_kept_is_what_is_told() -> None:
    snapshot = make_snapshot()

    kept = evaluation.stored_performance(evaluation.figures(snapshot))

    assert kept == evaluation.performance(snapshot, threshold=0.5)


def test_nothing_kept_tells_nothing() -> None:
    assert evaluation.stored_performance({}) is None


def test_weakest_tags_come_first() -> None:
    told = evaluation.performance(make_snapshot(), threshold=0.5)

    averages = [each.score.average_precision or 0 for each in evaluation.weakest_first(told)]

    assert averages == sorted(averages)


def test_tag_of_which_nothing_is_known_comes_last() -> None:
    truths = np.eye(2, dtype=np.bool_)[np.ones(5, dtype=np.intp)]

    told = evaluation.performance(make_snapshot(truths=truths), threshold=0.5)

    assert [each.tag for each in evaluation.weakest_first(told)] == ["b", "a"]


def test_curve_of_a_tag_ends_where_all_of_it_is_said() -> None:
    curve = evaluation.curve(make_snapshot(), "b")

    assert curve is not None
    assert (curve.recalls[0], curve.recalls[-1]) == (0.0, 1.0)


def test_figures_at_every_tenth() -> None:
    points = evaluation.along_the_curve(make_snapshot())

    assert [each.threshold for each in points] == [step / 10 for step in range(11)]
    assert (points[0].score.recall, points[10].score.recall) == (1.0, 0.0)


def test_worst_pictures_are_those_of_the_surest_errors() -> None:
    worst = evaluation.worst(make_snapshot())

    assert numbers(worst) == [2, 4]
    assert (worst[0].said, worst[0].truths, worst[0].is_right) == ("a", ("b",), False)
    assert worst[0].probability == pytest.approx(0.8)


def test_worst_decisions_of_a_multilabel_project_by_hand() -> None:
    """Each picture has both tags: those below 0.5 are missed, the least probable first."""
    snapshot = make_snapshot(multilabel=True, truths=np.ones((5, 2), dtype=np.bool_))

    worst = evaluation.worst(snapshot, most=2)

    assert [(int(each.sha256, 16), each.said) for each in worst] == [(0, "b"), (2, "b")]


@pytest.mark.parametrize(("truth", "said", "found"), [("a", "a", [0, 1]), ("b", "a", [2, 4]), ("b", "b", [3])])
def test_cell_has_its_pictures_the_surest_first(truth: str, said: str, found: list[int]) -> None:
    assert numbers(evaluation.cell(make_snapshot(), truth=truth, said=said)) == found


def test_cells_are_those_of_the_matrix() -> None:
    snapshot = make_snapshot()

    counted = [[len(evaluation.cell(snapshot, truth=truth, said=said)) for said in "ab"] for truth in "ab"]

    assert counted == evaluation.confusion_matrix(snapshot).tolist()


def test_pictures_that_change_sides_by_hand() -> None:
    """Between 0.5 and 0.65 "a" is no longer said of the second picture (rightly said) and the fifth (wrongly)."""
    count, changing = evaluation.changing_sides(make_snapshot(), low=0.5, high=0.65)

    assert (count, numbers(changing)) == (2, [4, 1])
    assert [each.is_right for each in changing] == [False, True]


def test_no_more_than_asked_for_are_shown_of_those_that_change() -> None:
    count, changing = evaluation.changing_sides(make_snapshot(), low=0.0, high=1.0, most=3)

    assert (count, len(changing)) == (10, 3)


def test_nothing_changes_between_equals() -> None:
    assert evaluation.changing_sides(make_snapshot(), low=0.5, high=0.5) == (0, [])


def test_pictures_that_were_not_measured_are_not_judged() -> None:
    wanted = [f"{number:064x}" for number in (3, 5, 99, 0)]

    assert numbers(evaluation.judged(make_snapshot(), wanted)) == [3, 0]


def test_calibration_counts_every_measured_picture() -> None:
    assert sum(each.pictures for each in evaluation.calibration(make_snapshot())) == 5


def test_multilabel_project_has_no_calibration() -> None:
    assert evaluation.calibration(make_snapshot(multilabel=True)) == ()


def test_curve_is_drawn_within_its_frame() -> None:
    plot = plots.curve_plot([0.0, 1.0], [1.0, 0.0], here=(1.0, 0.0))

    frame = plot.frame
    assert plot.line == f"{frame.left:.1f},{frame.top:.1f} {frame.right:.1f},{frame.bottom:.1f}"
    assert plot.here == plots.Point(frame.right, frame.bottom)


def test_threshold_without_precision_has_no_point() -> None:
    assert plots.curve_plot([0.0, 1.0], [1.0, 0.5], here=(0.0, None)).here is None


def test_bar_of_calibration_stands_on_the_axis() -> None:
    plot = plots.calibration_plot([(0.5, 1.0, 0.75, 1.0)])

    (bar,) = plot.bars
    assert (bar.y, bar.y + bar.height) == (plot.frame.top, plot.frame.bottom)
    assert plot.dots[0].y == plot.frame.top
