"""What is published answers in its package as it does here: proven once, and anew by another library."""

import re
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from django.utils.translation import override

from engine import heads, images, packages
from engine.backbones import Backbone
from engine.packages import Golden
from tests.training.publishable import learned, live, make_iteration
from training.exceptions import Refused
from training.models import Iteration, Project
from training.packages import package
from training.services.publishing import publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]


@pytest.fixture
def exports_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    to_onnx = packages.to_onnx

    def to_another(head: heads.Head, backbone: Backbone) -> bytes:
        return to_onnx(replace(head, bias=head.bias + np.array([5, 0], dtype=np.float32)), backbone)

    monkeypatch.setattr(packages, "to_onnx", to_another)


@pytest.mark.proven
@pytest.mark.usefixtures("exports_differ")
def test_iteration_whose_package_answers_otherwise_is_not_published(project: Project) -> None:
    with pytest.raises(Refused, match="not the same"):
        publish(iteration=make_iteration(project), by=None)

    assert (live(project), project.publications.count()) == (None, 0)


@pytest.mark.proven
@pytest.mark.usefixtures("exports_differ")
def test_the_refusal_names_the_file_and_says_by_how_much_in_the_readers_language(project: Project) -> None:
    with override("fr"), pytest.raises(Refused) as raised:
        publish(iteration=learned(project, right=30), by=None)

    assert re.search(r"photo\.jpg.* \d,\d{5} .* \d,\d{5}", str(raised.value))


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each proof was on, as they are made."""
    made: list[int] = []
    check = packages.check

    def noted(model: bytes, pictures: list[Golden], *, tags: tuple[str, ...]) -> None:
        made.append(len(pictures))
        check(model, pictures, tags=tags)

    monkeypatch.setattr(packages, "check", noted)
    return made


@pytest.mark.proven
def test_what_was_proven_is_not_proven_again(project: Project, proofs: list[int]) -> None:
    iteration = make_iteration(project)
    package(iteration)

    publish(iteration=iteration, by=None)
    publish(iteration=Iteration.objects.get(pk=iteration.pk), by=None, name="another")
    package(iteration)

    assert len(proofs) == 1


@pytest.mark.proven
def test_another_library_asks_for_another_proof(
    project: Project, proofs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = make_iteration(project)
    publish(iteration=iteration, by=None)

    monkeypatch.setattr(packages, "versions", lambda: "onnxruntime 99")
    publish(iteration=iteration, by=None, name="another")

    assert len(proofs) == 2


@pytest.mark.proven
def test_to_a_program_what_was_proven_is_as_it_was(project: Project, proofs: list[int]) -> None:
    iteration = make_iteration(project)
    before = Iteration.objects.get(pk=iteration.pk).modified_at

    package(iteration)

    found = Iteration.objects.get(pk=iteration.pk)
    assert (found.modified_at, bool(found.proof), len(proofs)) == (before, True, 1)


@pytest.mark.proven
def test_lost_picture_does_not_stand_in_the_way(project: Project, blobs: Path) -> None:
    iteration = learned(project, right=30, of=10)
    for path in list((blobs / "pictures").rglob("*")):
        if path.is_file():
            path.unlink()

    publish(iteration=iteration, by=None)

    assert live(project) == 1


@pytest.mark.proven
def test_damaged_picture_is_passed_over(project: Project, blobs: Path, proofs: list[int]) -> None:
    iteration = learned(project, right=4, of=4)
    one, *_others = [path for path in (blobs / "pictures").rglob("*") if path.is_file()]
    one.write_bytes(one.read_bytes()[:-100])

    package(iteration)

    assert proofs == [3]


@pytest.mark.proven
def test_each_golden_picture_is_decoded_once(
    project: Project, proofs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = learned(project, right=30, of=10)
    decode = Mock(side_effect=images.decode)
    monkeypatch.setattr(images, "decode", decode)

    package(iteration)

    assert [decode.call_count] == proofs
