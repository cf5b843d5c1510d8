"""`manage.py export_iteration`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from engine.packages import FLAVORS
from training.commands import ProjectCommand
from training.packages import package


class Command(ProjectCommand):
    help = "Write an iteration as a package (zip) that other programs can use."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        self.add_iteration(parser, default="the live one, else the newest completed")
        parser.add_argument(
            "--platform",
            choices=sorted(FLAVORS),
            default="ONNX",
            help="ONNX: the model and sample code; DockerFile: a container that answers (default: %(default)s).",
        )
        parser.add_argument("--output", type=Path, help="The file (default: PROJECT-N.zip here).")

    def handle(
        self,
        *,
        project: str,
        iteration: int | None,
        platform: str,
        output: Path | None,
        as_json: bool,
        **options: Any,
    ) -> None:
        chosen = self.get_project(project)
        default = chosen.live_iteration or chosen.iterations.completed().first()
        target = self.get_iteration(chosen, iteration, default=default)
        path = output or Path(f"{chosen.name.replace('/', '-')}-{target.number}.zip")
        content = package(target, platform=platform)
        try:
            path.write_bytes(content)
        except OSError as exc:
            raise CommandError(f"{path} cannot be written: {exc.strerror}.", returncode=2) from exc
        self.tell(
            {"file": str(path), "bytes": len(content)},
            as_json=as_json,
            lines=[f"{path}: {target.name} of {chosen}, {len(content) / 2**20:.1f} MiB."],
        )
