"""A real nginx in front of a site, with the configuration that docker-compose mounts."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests
from django.conf import settings

from tests.classifr.serving import Served, wait_until_answered
from tests.conftest import lacking
from tests.ports import free_port


class Front(Served):
    """A site behind nginx, which is reached on a port of nginx's, by TLS."""

    def __init__(self, site: Served, folder: Path) -> None:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
        if program is None:
            lacking("nginx")
        self.program = program
        self.site = site
        self.folder, self.log = folder, folder / "nginx.log"
        self.port, self.http_port = free_port(), free_port()
        self.address = f"https://127.0.0.1:{self.port}{site.prefix}"
        self.certificate = folder / "secrets" / "tls_certificate"
        (folder / "deploy").mkdir()
        shutil.copy(settings.BASE_DIR / "deploy" / "make_secrets.sh", folder / "deploy")
        subprocess.run(["sh", folder / "deploy" / "make_secrets.sh"], check=True, stderr=subprocess.DEVNULL)

    def configure(self) -> Path:
        """Fill the template as the image of nginx does."""
        values = {
            "CLASSIFR_BATCH_MIB": "128",
            "CLASSIFR_PATH_PREFIX": self.site.environment.get("CLASSIFR_PATH_PREFIX", ""),
            "FRONT_CERTIFICATE_FILE": self.certificate,
            "FRONT_FOLDER": self.folder,
            "FRONT_HTTP_PORT": self.http_port,
            "FRONT_HTTPS_PORT": self.port,
            "FRONT_KEY_FILE": self.folder / "secrets" / "tls_key",
            "FRONT_UPSTREAM": f"127.0.0.1:{self.site.port}",
        }
        template = (settings.BASE_DIR / "deploy" / "nginx.conf.template").read_text()
        path = self.folder / "nginx.conf"
        path.write_text(re.sub(r"\$\{([A-Z_]+)\}", lambda found: str(values[found[1]]), template))
        return path

    def start(self) -> None:
        directives = "daemon off;" + (
            " user root;" if os.geteuid() == 0 else ""
        )  # others may not enter pytest's folders
        command = [self.program, "-c", str(self.configure()), "-e", "stderr", "-g", directives]
        with self.log.open("ab") as log:
            self.process = psutil.Popen(command, stdout=log, stderr=log)
        wait_until_answered(f"{self.address}/healthz", self.process, self.log, certificate=self.certificate)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(source, 0))
        return ssl.create_default_context(cafile=self.certificate).wrap_socket(plain, server_hostname="127.0.0.1")

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # which may name other certificates
        session.verify = str(self.certificate)
        session.headers["Referer"] = f"{self.address}/"  # as browsers do: Django asks for it with HTTPS
        return session


@contextmanager
def fronted(site: Served, folder: Path) -> Iterator[Front]:
    front = Front(site, folder)
    front.start()
    try:
        yield front
    finally:
        front.stop()
