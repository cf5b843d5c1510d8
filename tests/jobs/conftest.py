"""Kinds of jobs that only tests have."""

import pytest
from pytest_django import Settings

from tests.jobs import work


@pytest.fixture(autouse=True)
def kinds(settings: Settings) -> None:
    names = {"count": "count", "refuse": "refuse", "break": "break_down"}
    settings.CLASSIFR_JOBS = {kind: f"tests.jobs.work.{name}" for kind, name in names.items()}
    settings.CLASSIFR_JOB_HOOKS = {"count": "tests.jobs.work.note_end", "refuse": "tests.jobs.work.note_end"}
    work.ended.clear()
