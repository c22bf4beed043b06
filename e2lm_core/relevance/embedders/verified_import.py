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
    """Import a package from the given source files alone.

    Args:
        name: Name of the package.
        folder: Folder of its sources.
        sources: Paths of the source files in the folder; no other file becomes a module of the package.

    Raises:
        ImportError: A source imports a module that does not exist.
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
        )  # it is not removed afterwards: some modules are imported only when they are needed
        return importlib.import_module(name)


def _module(package: str, source: str) -> str:
    parts = [package, *Path(source).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Source(SourceLoader):
    """Loader of one source file.

    Without the file's times Python looks for no bytecode, and leaves none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_filename(self, fullname: str) -> str:
        """See `SourceLoader`."""
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        """See `SourceLoader`."""
        return Path(path).read_bytes()


class _Finder(MetaPathFinder):
    """Finder of one package's modules in the given files, and nowhere else."""

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
        )  # an empty list leaves no folder for another finder to search
        return spec_from_file_location(
            fullname, file, loader=_Source(file), submodule_search_locations=inside
        )
