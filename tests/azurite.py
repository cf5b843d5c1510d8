"""Azurite, Microsoft's emulator of the blob storage, as a process that can be stopped, frozen and started again."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tests.ports import free_port

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """Runs from the beginning, always on the same port and the same files."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp()
        self.port = free_port()
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{self.port}/devstoreaccount1;"
        )
        self.start()

    def start(self) -> None:
        place = ["--blobPort", str(self.port), "--location", self.folder]
        command = ["azurite-blob", *place, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"Nothing listens on port {self.port}.")

    def stop(self) -> None:
        """Stop it, and let it write down first what it holds."""
        self.thaw()
        self.process.terminate()
        self.process.wait(20)

    def freeze(self) -> None:
        """Let it take connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
