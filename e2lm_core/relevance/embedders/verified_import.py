"""Import of an embedding package whose source files were verified beforehand.

Tested in tests/relevance/embedders/test_packaged.py.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

_one_at_a_time = threading.Lock()


def import_package(name: str, folder: Path, sources: Collection[str]) -> ModuleType:
    """The package `name` from the source files of `folder`, which alone are its modules.

    Raises ImportError where one of them imports another module that is not there.
    """
    modules = {_module(name, source): folder / source for source in sources}
    with _one_at_a_time:
        found = sys.modules.get(name)
        if getattr(getattr(found, "__loader__", None), "path", None) == modules[name]:
            return importlib.import_module(name)
        for known in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[known]
        sys.meta_path.insert(
            0, _Finder(modules)
        )  # stays: some of its modules are imported when they are needed
        return importlib.import_module(name)


def _module(package: str, source: str) -> str:
    parts = [package, *Path(source).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Source(SourceLoader):
    """Compiles one file. Without the file's times Python looks for no bytecode, and leaves none."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_filename(self, fullname: str) -> str:
        """See `SourceLoader`."""
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        """See `SourceLoader`."""
        return Path(path).read_bytes()


class _Finder(MetaPathFinder):
    """Finds the modules of one package in their files, and nothing else of it anywhere."""

    def __init__(self, modules: dict[str, Path]) -> None:
        self.modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `MetaPathFinder`."""
        file = self.modules.get(fullname)
        if file is None:
            return None
        inside: list[str] | None = (
            [] if file.stem == "__init__" else None
        )  # no folder in which another finder would look
        return spec_from_file_location(
            fullname, file, loader=_Source(file), submodule_search_locations=inside
        )
