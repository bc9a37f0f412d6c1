"""/v1 with OpenAI's client for Node, which is installed beside the web app's own packages."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.gateway.api.conftest import Desk

PROGRAM = Path(__file__).with_name("client.mjs")
HOME = Path(__file__).parents[3] / "frontend"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HOME / "node_modules" / "openai").is_dir(),
    reason="needs Node and the packages of the web app",
)


async def test_the_client_for_node_understands_every_answer(desk: Desk) -> None:
    known = {
        "PATH": os.environ["PATH"],
        "CLIENT_HOME": str(HOME),
        "KONTOR_TOKEN": await desk.token(),
        "KONTOR_V1": f"{desk.live.url}/v1",
    }
    running = await asyncio.create_subprocess_exec(
        "node", str(PROGRAM), env=known, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, mistakes = await asyncio.wait_for(running.communicate(), 60)
    assert running.returncode == 0, mistakes.decode()
    said = json.loads(output)
    assert said["whole"] and said["whole"] == said["pieces"] == said["response"] == said["responsePieces"]
    assert said["usage"] == said["streamedUsage"] == 30
    assert (said["tool"], said["vector"], said["lastEvent"]) == ("look", 16, "response.completed")
    assert {"fake-n30", "auto"} <= set(said["models"])
    assert said["error"] == {
        "isNotFound": True,
        "status": 404,
        "code": "model_not_found",
        "type": "invalid_request_error",
    }
