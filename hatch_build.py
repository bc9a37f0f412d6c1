"""Puts the built web app into the wheel, so that installing it is enough."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebAppHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install serves the app from the tree, where `./kontor` builds it.
        if version == "editable":
            return
        path = Path(self.root) / "scripts" / "build_ui.py"
        spec = importlib.util.spec_from_file_location("build_ui", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} is missing.")
        build_ui = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build_ui)
        if not build_ui.is_fresh():
            build_ui.build(lambda words: self.app.display_info(f"Web app: {words}"))
