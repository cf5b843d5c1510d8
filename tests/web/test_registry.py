"""Things by name, from a setting or from a plugin."""

import logging
from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from operator import call
from typing import Any

import pytest

from web import registry
from web.registry import NotRegistered, Registry

PATHS = {"many": "collections.Counter", "few": "collections.ChainMap"}


def make(paths: Mapping[str, str] = PATHS, **options: Any) -> Registry[Any]:
    return Registry("kind of dictionary", group="tests.kinds", paths=lambda: paths, **options)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that work, of which one has a name of the setting, between them one that does not."""
    values = {"few": "collections:OrderedDict", "broken": "collections:Nothing", "ordered": "collections:OrderedDict"}
    found = EntryPoints(EntryPoint(name, value, "tests.kinds") for name, value in values.items())
    monkeypatch.setattr(registry, "entry_points", lambda *, group: found.select(group=group))


def test_path_is_imported_when_it_is_asked_for() -> None:
    kinds = make({"many": "collections.Counter", "none": "nowhere.Nothing"})

    assert kinds.get("many").__name__ == "Counter"
    with pytest.raises(ImportError, match="nowhere"):
        kinds.get("none")


def test_what_is_made_of_it_is_made_once() -> None:
    kinds = make(make=call)

    assert kinds.get("many") is kinds.get("many")


def test_it_is_made_anew_when_it_was_forgotten() -> None:
    kinds = make(make=call)
    before = kinds.get("many")

    kinds.forget()

    assert kinds.get("many") is not before


def test_unknown_name_is_refused_with_those_that_there_are(plugins: None) -> None:
    with pytest.raises(NotRegistered) as caught:
        make().get("huge")

    assert str(caught.value) == "There is no kind of dictionary 'huge'; there are few, many, ordered."
    assert make().find("huge") is None


def test_plugin_is_found_by_its_name(plugins: None) -> None:
    kinds = make(make=call)

    assert kinds.names() == ["many", "few", "ordered"]
    assert type(kinds.get("ordered")).__name__ == "OrderedDict"
    assert kinds.get("ordered") is kinds.get("ordered")


def test_name_of_the_setting_counts(plugins: None) -> None:
    assert make().get("few").__name__ == "ChainMap"


def test_broken_plugin_is_a_warning_with_its_cause(plugins: None, caplog: pytest.LogCaptureFixture) -> None:
    assert "broken" not in make().names()

    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.WARNING,
        "Plugin not loaded group=tests.kinds name=broken",
    )
    assert "Nothing" in caplog.text
