"""The image and its composition name what exists, run as nobody in particular, and carry no secret."""

import fnmatch
import os
import re
import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.conftest import lacking
from tests.limits import body_limit_of
from tests.test_layers import FLOORS

ROOT = Path(settings.BASE_DIR)
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "classifr"]
OF_IMAGES = {"NGINX_ENVSUBST_OUTPUT_DIR", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE"}
OF_MALLOC = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}
OF_SYSTEMS = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
NGINX = (ROOT / "deploy" / "nginx.conf.template").read_text()


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, flags=re.MULTILINE)


def is_left_out(path: str) -> bool:
    """Say whether .dockerignore keeps the path out of the image."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    parts = Path(path).parts
    parents = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch.fnmatch(parent, pattern.removeprefix("**/")) for parent in parents for pattern in patterns)


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return found.splitlines()


def commands() -> list[list[str]]:
    """Every command that containers are started or asked with."""
    of_image = [yaml.safe_load(each) for each in re.findall(r"CMD (\[.*\])", DOCKERFILE)]
    of_services = [SERVICES[name]["command"] for name in ("worker", "prepare")]
    checks = [SERVICES[name]["healthcheck"]["test"][1:] for name in ("web", "worker")]
    return [*of_image, *of_services, *checks, SERVICES["manage"]["entrypoint"] + SERVICES["manage"]["command"]]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_exists(command: list[str]) -> None:
    program, first, *rest = command

    assert program == "python"
    if first == "manage.py":
        assert rest[0] in {*get_commands(), "help"}
    elif first == "-m":
        assert subprocess.run([sys.executable, "-m", rest[0], "--version"], capture_output=True).returncode == 0
    else:
        assert first in tracked()
        assert not is_left_out(first)


def test_gunicorn_reads_its_configuration() -> None:
    [command] = [each for each in commands() if "gunicorn" in each]

    done = subprocess.run([sys.executable, *command[1:], "--check-config"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_image_has_what_runs_and_nothing_private() -> None:
    folders = {*FLOORS, "templates", "static", "locale", "deploy"}
    needed = [path for path in tracked() if Path(path).parts[0] in folders]

    assert [path for path in [*needed, "manage.py", "requirements.txt", "LICENSE", "NOTICE"] if is_left_out(path)] == []
    private = [".env", ".git/config", "var/secret_key", "secrets/secret_key", "backups/b.tar", ".venv/bin/python"]
    assert [path for path in private if not is_left_out(path)] == []


def test_copied_paths_exist() -> None:
    sources = [source for each in instructions("COPY") if "--from" not in each for source in shlex.split(each)[:-1]]

    assert sources
    assert [source for source in sources if not (ROOT / source).exists() or is_left_out(source)] == []


def test_requirements_are_installed_by_their_hashes() -> None:
    installs = [each for each in instructions("RUN") if "pip install" in each]

    assert installs
    assert all("--require-hashes" in each for each in installs)
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.split(r"^(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.MULTILINE)[1:]
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_images_are_named_exactly() -> None:
    base = re.findall("^ARG PYTHON=(.*)$", DOCKERFILE, flags=re.MULTILINE)
    others = [service["image"] for name, service in SERVICES.items() if name not in OURS]

    assert [image for image in base + others if not re.search(r":[0-9]+\.[0-9]+\.[0-9]+|@sha256:", image)] == []


def test_every_variable_is_a_setting() -> None:
    pages = (ROOT / "docs" / name for name in ("settings.md", "deployment.md"))
    documented = {name for page in pages for name in re.findall("`([A-Z_]+)`", page.read_text())}
    of_services = {name for service in SERVICES.values() for name in service.get("environment", {})}
    of_image = {name for each in instructions("ENV") for name in re.findall(r"([A-Z_]+)=", each)}
    interpolated = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    used = (of_services | of_image | interpolated) - OF_IMAGES - OF_MALLOC - OF_SYSTEMS
    assert {name for name in used if not {name, name.removesuffix("_FILE")} & documented} == set()


def test_nginx_is_told_every_variable_of_its_file() -> None:
    names = set(re.findall(r"\$\{(\w+)\}", NGINX))

    assert names == SERVICES["front"]["environment"].keys() - OF_IMAGES


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/", "/accounts/login/"),
        ("= /", "/"),
        ("~ ^/projects/[0-9]+/images/upload$", "/projects/1/images/upload"),
        ("~* ^/customvision/", f"/customvision/v3.3/training/projects/{UUID(int=0)}/images/files"),
    ],
)
def test_as_much_may_be_posted_as_classifr_takes(location: str, path: str) -> None:
    filled = NGINX.replace("${CLASSIFR_BATCH_MIB}m", f"{settings.CLASSIFR_BATCH_MIB * 1024}k")
    server = filled.replace("${CLASSIFR_PATH_PREFIX}", "").split("listen")[-1]
    of_all, *_ = re.findall("client_max_body_size ([0-9]+)k", server)
    block = server.split(f"location {location} {{")[1].split("}")[0]
    of_path = re.search("client_max_body_size ([0-9]+)k", block)

    assert 1024 * int(of_path[1] if of_path else of_all) == body_limit_of(path)


@pytest.fixture
def compose() -> list[str]:
    program = ROOT / "var" / "compose" / "docker-compose"
    if not program.exists():
        lacking("Docker Compose, which `make var/compose/docker-compose` fetches,")
    return [str(program)]


def test_compose_reads_its_file(compose: list[str]) -> None:
    command = [*compose, "--profile", "*", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_compose_would_refuse_what_it_cannot_read(compose: list[str], tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text((ROOT / "docker-compose.yml").read_text().replace("service_healthy", "service_well"))

    done = subprocess.run([*compose, "-f", str(file), "config", "--quiet"], capture_output=True, text=True)

    assert done.returncode != 0
    assert "condition" in done.stderr


def test_database_is_asked_where_containers_ask_it() -> None:
    """Its socket answers earlier, while the image still makes the database."""
    assert "--host=127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


def test_memory_is_given_back_alike_wherever_gunicorn_starts() -> None:
    of_image = dict(re.findall(r"(MALLOC_\w+)=(\d+)", DOCKERFILE))

    assert of_image.keys() == OF_MALLOC
    assert dict(re.findall(r"(MALLOC_\w+)=(\d+)", (ROOT / "Procfile").read_text())) == of_image


@pytest.mark.parametrize("name", SERVICES)
def test_container_may_do_little(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch("[1-9][0-9]*:[1-9][0-9]*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert "restart" in service
    assert "healthcheck" in service
    assert not {"privileged", "cap_add", "network_mode", "pid"} & service.keys()


def test_largest_upload_fits_into_the_folder_for_temporary_files() -> None:
    room = re.search("size=([0-9]+)m", SERVICES["web"]["tmpfs"][0])

    assert room
    assert body_limit_of("/projects/1/images/upload") < int(room[1]) * 1024 * 1024


def test_image_runs_as_nobody_in_particular() -> None:
    last_stage = DOCKERFILE.split("\nFROM ")[-1]

    assert re.findall("^USER (.*)$", last_stage, flags=re.MULTILINE) == ["10001:10001"]
    assert {SERVICES[name]["user"] for name in OURS} == {"10001:10001"}
    assert "HEALTHCHECK" in last_stage


def test_only_the_front_is_reached_from_elsewhere() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["front", "web"]
    assert [port for port in published["web"] if not port.startswith("127.0.0.1:")] == []
    assert "database" not in SERVICES["front"].get("networks", [])
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"]["internal"] is True


def test_secrets_come_by_files() -> None:
    made = (ROOT / "deploy" / "make_secrets.sh").read_text()

    for name, service in SERVICES.items():
        environment = service.get("environment", {})
        named = {Path(value).name for key, value in environment.items() if key.endswith("_FILE")}
        assert named == set(service.get("secrets", [])), name
        assert [key for key in environment if re.search("KEY$|PASSWORD$|_URL$|CONNECTION_STRING$", key)] == []
    assert [name for name in COMPOSE["secrets"] if f"keep {name}\n" not in made] == []
    assert {each["file"] for each in COMPOSE["secrets"].values()} == {f"secrets/{name}" for name in COMPOSE["secrets"]}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make_secrets.sh"
    script.parent.mkdir()
    script.write_bytes((ROOT / "deploy" / "make_secrets.sh").read_bytes())

    contents = []
    for _ in range(2):
        subprocess.run(["sh", script], check=True)
        contents.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})

    assert contents[0] == contents[1]
    assert set(contents[0]) == set(COMPOSE["secrets"])
    assert contents[0]["postgres_password"] in contents[0]["database_url"]
    assert len(contents[0]["secret_key"]) == 96
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_order_of_starting() -> None:
    for name in ("web", "worker"):
        waits = SERVICES[name]["depends_on"]
        assert waits["prepare"] == {"condition": "service_completed_successfully"}
        assert waits["postgres"] == {"condition": "service_healthy"}


@pytest.mark.parametrize(("status", "code"), [(200, 0), (400, 1), (500, 1)])
def test_health_is_asked_under_the_sites_name(status: int, code: int) -> None:
    asked: list[tuple[str, str | None, str | None]] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        environment = {**os.environ, "ALLOWED_HOSTS": " .example.org , other", "CLASSIFR_PORT": str(server.server_port)}
        done = subprocess.run([sys.executable, "deploy/healthcheck.py"], cwd=ROOT, env=environment)
        thread.join()

    assert done.returncode == code
    assert asked == [("/healthz", "example.org", "https")]
