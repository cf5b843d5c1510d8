"""A log file that several processes write is moved aside when it is full, and no line is lost."""

import logging
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from classifr import logs
from web.log_files import KEPT, SharedFile

WRITER = """
import logging, sys
from pathlib import Path
from web.log_files import SharedFile
handler = SharedFile(Path(sys.argv[1]), max_bytes=4000)
for number in range(300):
    handler.handle(logging.makeLogRecord({"msg": f"{sys.argv[2]} {number}"}))
"""
SPEAKER = """
import logging.config, sys
from pathlib import Path
from classifr import logs
logging.config.dictConfig(logs.configuration(level="INFO", file=Path(sys.argv[1])))
logging.getLogger("x").info("Answered")
logging.getLogger("x").warning("Ended")
"""


def write(handler: SharedFile, text: str) -> None:
    handler.handle(logging.makeLogRecord({"msg": text}))


def test_folder_is_made(tmp_path: Path) -> None:
    handler = SharedFile(tmp_path / "a" / "b" / "log")

    write(handler, "é")
    handler.close()

    assert (tmp_path / "a" / "b" / "log").read_text() == "é\n"


def test_full_file_is_moved_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    handler = SharedFile(path, max_bytes=2)

    for number in range(KEPT + 3):
        write(handler, str(number))
    handler.close()

    kept = [(tmp_path / f"log.{number}").read_text() for number in range(1, KEPT + 1)]
    assert kept == [f"{number}\n" for number in range(KEPT + 2, 2, -1)]
    assert not (tmp_path / f"log.{KEPT + 1}").exists()


def test_processes_that_fill_it_together_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, name], cwd=settings.BASE_DIR) for name in ("a", "b", "c")
    ]

    assert [writer.wait(30) for writer in writers] == [0, 0, 0]

    files = [each for each in tmp_path.iterdir() if each.suffix != ".lock"]
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len(files) > 1
    assert sorted(lines) == sorted(f"{name} {number}" for name in "abc" for number in range(300))


def test_with_a_file_the_terminal_has_what_needs_a_look(tmp_path: Path) -> None:
    path = tmp_path / "log"

    said = subprocess.run(
        [sys.executable, "-c", SPEAKER, path],
        cwd=settings.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "classifr.settings"},
        check=True,
        capture_output=True,
        text=True,
    ).stderr

    assert "Ended" in said
    assert "Answered" not in said
    assert [line.rpartition(" ")[2] for line in path.read_text().splitlines()] == ["Answered", "Ended"]


def test_without_a_file_everything_is_on_standard_error() -> None:
    assert list(logs.configuration(level="INFO", file=None)["handlers"]) == ["console"]
