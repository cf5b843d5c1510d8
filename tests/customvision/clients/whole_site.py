"""A whole Classifr, as people run it: web processes, a worker, a database of its own, and a key."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import psutil
from django.conf import settings

from tests.classifr.serving import Served

_MAKE_KEY = (
    "import django; django.setup(); from accounts.keys import create_key; "
    "print(create_key(name='tests', scope='all', by=None, project_uid={project})[1])"
)


class Site(Served):
    """It fetches pictures from this machine too, and takes as many as come."""

    def __init__(self, folder: Path) -> None:
        free = {"CLASSIFR_URL_FETCH_ALLOW": "127.0.0.1", "CLASSIFR_PHOTOS_PER_MINUTE": "0"}
        super().__init__(folder / "var", folder / "log", CLASSIFR_PHOTOS_PER_MINUTE_AND_ADDRESS="0", **free)
        self.prepare()
        self.key = make_key(self)

    def start(self) -> None:
        super().start()
        with self.log.open("ab") as log:
            self.worker = psutil.Popen(
                [sys.executable, "manage.py", "worker"],
                env=self.environment,
                cwd=settings.BASE_DIR,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> float:
        self.worker.terminate()
        self.worker.wait(30)
        return super().stop()

    def environment_of_programs(self) -> dict[str, str]:
        """Return what a program is told: other values are all that changes from one service to the other."""
        return {
            "VISION_TRAINING_ENDPOINT": self.address,
            "VISION_TRAINING_KEY": self.key,
            "VISION_PREDICTION_ENDPOINT": self.address,
            "VISION_PREDICTION_KEY": self.key,
            "VISION_PREDICTION_RESOURCE_ID": "/subscriptions/s/resourceGroups/g/providers/"
            "Microsoft.CognitiveServices/accounts/answers",
        }


def make_key(site: Served, *, project_uid: UUID | None = None) -> str:
    """Return the text of a new key that opens everything, or everything of that project."""
    environment = {**site.environment, "DJANGO_SETTINGS_MODULE": "classifr.settings"}
    command = [sys.executable, "-c", _MAKE_KEY.format(project=repr(project_uid and str(project_uid)))]
    done = subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


class PictureServer:
    """A web server whose every address is one picture."""

    def __init__(self, content: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/picture.jpg"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
