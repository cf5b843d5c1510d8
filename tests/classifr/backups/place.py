"""A site somewhere."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PASSWORD = "scram: of 'the' owner"


class Place:
    """Where a site may be: a folder, perhaps another database, perhaps Azure's storage."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "CLASSIFR_VAR": str(folder),
            "DATABASE_URL": "",
            "ALLOWED_HOSTS": "testserver",
            "LOG_LEVEL": "WARNING",
            **environment,
        }

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )

    def manage(self, *arguments: str | Path) -> str:
        done = self.run("manage.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self) -> dict[str, Any]:
        done = self.run("-m", "tests.classifr.a_site", "tell")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def probabilities(self, photo: Path) -> Any:
        [answer] = json.loads(self.manage("predict", "--json", photo))
        return answer["predictions"]
