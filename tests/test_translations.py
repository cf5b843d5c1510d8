"""French is complete, and what is compiled is what is written."""

import shutil
import subprocess
from pathlib import Path

from django.conf import settings

from tests.conftest import lacking

PO = Path(settings.BASE_DIR) / "locale" / "fr" / "LC_MESSAGES" / "django.po"


def test_no_message_is_left_untranslated() -> None:
    if shutil.which("msgattrib") is None:
        lacking("GNU gettext")

    for kind in ("--untranslated", "--only-fuzzy"):
        left = subprocess.run(
            ["msgattrib", "--no-obsolete", kind, PO], check=True, capture_output=True, text=True
        ).stdout
        assert left == ""


def test_every_message_of_the_code_is_in_the_catalogue() -> None:
    if shutil.which("xgettext") is None:
        lacking("GNU gettext")
    before = PO.read_text()

    try:
        subprocess.run(["make", "collect-messages"], check=True, cwd=settings.BASE_DIR, capture_output=True)
        after = PO.read_text()
    finally:
        PO.write_text(before)

    assert _message_ids(after) == _message_ids(before)


def test_compiled_catalogue_is_up_to_date(tmp_path: Path) -> None:
    if shutil.which("msgfmt") is None:
        lacking("GNU gettext")
    compiled = tmp_path / "django.mo"

    subprocess.run(["msgfmt", "--check-format", "-o", compiled, PO], check=True)

    assert compiled.read_bytes() == PO.with_suffix(".mo").read_bytes()


def _message_ids(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("msgid")}
