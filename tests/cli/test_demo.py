"""`kontor demo-provider`: everything can be tried without a key."""

import json
import re
import signal
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest

from kontor.cli import demo
from kontor.gateway.wire.quirks import recognise


def test_it_prints_addresses_and_keys_that_work() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "kontor.cli.main", "demo-provider", "--first-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            said = ""
            while "stands in its name" not in said:
                line = running.stdout.readline()
                assert line, said
                said += line
            addresses = re.findall(r"address  (\S+)", said)
            keys = re.findall(r"key      (\S+)", said)
            assert [recognise(key)[:1] for key in keys] == [("openai",), ("anthropic",), ("gemini",), ()]
            question = {"model": "fake-n3", "messages": [{"role": "user", "content": "Hallo"}]}
            request = Request(f"{addresses[0]}/chat/completions", json.dumps(question).encode())
            request.add_header("Authorization", f"Bearer {keys[0]}")
            with urlopen(request, timeout=10) as answer:
                assert json.load(answer)["choices"][0]["message"]["content"] == "You wrote: Hallo"
            with urlopen(addresses[0].removesuffix("/v1") + "/_invoice", timeout=10) as answer:
                [line_of_invoice] = json.load(answer)
            assert line_of_invoice["usage"]["output"] == 3
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
        finally:
            running.kill()


def test_an_installed_package_says_that_it_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "ROOT", tmp_path_factory.mktemp("installed"))
    assert demo.run(0) == 2
    assert "source tree" in capsys.readouterr().err
