"""French is complete, and what is compiled is what is written."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
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


WORDS = {
    "fr": {
        r"relecteurs?": "réviseur",
        r"tags?": "étiquette",
        r"labels?|catégories?": "étiquette",
        r"backbones?": "réseau de base",
        r"jobs?": "tâche",
        r"uploads?": "envoi",
        r"datasets?": "jeu de données",
        r"scores?": "probabilité",
        r"calibrage": "calibration",
        r"statuts?(?! %)": "état",
        r"(mises?|tenues?|gardées?) (de côté|à part|à l’écart)": "réservées à la mesure",
        r"verdicts?|feedback": "avis",
        r"blobs?": "fichier",
        r"poubelle": "corbeille",
        r"logs?": "journal",
        r"login": "connexion",
        r"e-?mails?": "adresse",
    },
    "en": {
        r"labels?|categor(y|ies)": "tag",
        r"scores?": "probability",
        r"datasets?": "data set",
        r"trash": "bin",
        r"proofreaders?|moderators?": "reviewer",
        r"log ?in|logged in": "sign in",
        r"e-?mails?": "address",
    },
}
"""What each language's sentences may not say, and the word of the glossary in its place."""
OF_THE_BRIEF = {"Tag"}
"""Its mock-ups have these to the letter."""


@pytest.mark.parametrize("language", WORDS)
def test_sentences_keep_to_the_words_of_the_glossary(language: str) -> None:
    found = [
        f"{sentence!r}: {instead}"
        for msgid, sentences in _messages()
        for sentence in (sentences if language == "fr" else (msgid,))
        for word, instead in WORDS[language].items()
        if msgid not in OF_THE_BRIEF and re.search(rf"(?<![\w_%({{<]){word}(?![\w_])", sentence, re.IGNORECASE)
    ]

    assert found == []


def test_french_is_set_as_french_is() -> None:
    """Apostrophes are curved, and what is high punctuation keeps to the word before it."""
    wrong = [
        sentence
        for msgid, sentences in _messages()
        for sentence in sentences
        if re.search(r"\w'\w| [:;?!»]|« ", sentence) and not msgid.startswith("By clicking NOK")  # as in the brief
    ]

    assert wrong == []


def _messages() -> list[tuple[str, list[str]]]:
    """Return each English sentence with its French one, or its French ones of singular and plural."""
    read = [
        (_texts(r"^msgid", block), _texts(r"^msgstr(?:\[\d\])?", block)) for block in PO.read_text().split("\n\n")[1:]
    ]
    return [(msgids[0], sentences) for msgids, sentences in read if msgids]


def _texts(keyword: str, block: str) -> list[str]:
    found = re.findall(rf'{keyword} ((?:".*"\n?)+)', block, re.MULTILINE)
    return ["".join(json.loads(line) for line in text.splitlines()) for text in found]
