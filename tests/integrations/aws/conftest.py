"""S3, Transcribe and STS as moto has them, on a socket of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    server = make_server(
        "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True
    )
    thread = threading.Thread(target=server.serve_forever, name="moto", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
