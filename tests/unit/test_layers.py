"""Who imports whom, read from the source: nothing is run."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

PACKAGE = ROOT / "w2v_spark"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"redaction", "errors", "extras", "config", "locations", "magic", "storage"}
CORE = BASE | {
    "w2v_spark",
    "inputs",
    "kernels",
    "models",
    "text",
    "corpus",
    "training",
    "run",
    "publishing",
    "phrases",
    "counting",
    "vectors",
    "inference",
    "retraining",
    "topics",
    "formats",
}
MAY_IMPORT = {  # rooms of this package, by room; the table of docs/design/architecture.md
    "redaction": set[str](),
    "errors": {"redaction"},
    "magic": set[str](),
    "extras": {"errors"},
    "config": {"errors"},
    "locations": {"errors"},
    "storage": {"errors", "locations"},
    "inputs": BASE,
    "private_directories": set[str](),
    "kernels": {"private_directories"},
    "models": BASE | {"kernels"},
    "text": BASE | {"kernels"},
    "corpus": BASE | {"kernels", "text"},
    "training": BASE | {"kernels", "models", "corpus"},
    "run": BASE | {"kernels", "models", "corpus", "training", "publishing", "phrases"},
    "publishing": BASE | {"w2v_spark", "inputs", "models", "corpus", "training"},
    "phrases": BASE | {"kernels", "text", "corpus", "publishing"},
    "counting": BASE | {"kernels", "models", "corpus", "training"},
    "vectors": BASE | {"kernels", "publishing"},
    "inference": BASE | {"kernels", "models", "text", "corpus", "training", "publishing", "phrases", "vectors"},
    "retraining": BASE | {"training", "publishing", "vectors"},
    "topics": BASE | {"kernels", "text", "corpus", "publishing", "vectors", "retraining"},
    "formats": BASE | {"w2v_spark", "publishing", "vectors"},
    "evaluation": BASE | {"kernels", "models", "text", "corpus", "training", "publishing", "phrases", "vectors"},
    "alignment": BASE | {"publishing", "vectors", "training", "retraining", "evaluation"},
    "report": BASE | {"w2v_spark", "publishing", "topics", "vectors"},
    "explore": BASE | {"publishing", "vectors", "retraining", "topics", "evaluation", "report"},
    "spark": CORE | {"evaluation", "private_directories", "report"},
    "ml": CORE | {"spark"},
    "estimator": {"config", "errors", "inference", "ml", "models", "phrases", "spark", "vectors"},
    "cli": CORE | {"spark", "evaluation", "report", "alignment", "explore"},
    "__main__": {"cli"},
    "w2v_spark": {"config", "extras", "publishing", "topics", "vectors", "inference", "estimator"},
}
LATE = {  # rooms above their own that modules import within functions: methods that pass on to them
    "vectors/document_vectors.py": {"inference"},  # a text is a document
    "vectors/keyed_vectors.py": {"evaluation", "formats"},  # gensim's names for what those rooms do
}
WITH_PYSPARK = {"spark", "ml", "estimator", "cli"}
KERNEL_LIBRARIES = {"numba", "llvmlite", "numpy"}


def imports(source: str) -> list[str]:
    """Full names of all that a module imports, at its top, in functions and for type checkers alike."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
    return names


def imports_at_the_top(source: str) -> list[str]:
    """The same without those in functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [ast.Pass()]
    return imports(ast.unparse(tree))


def layer_of(path: Path) -> str:
    """The part of the package that a module belongs to; the package itself for its ``__init__``."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "w2v_spark" if first == "__init__" else first


def layer_of_import(name: str) -> str:
    """The same for an imported name of this package."""
    second = name.split(".")[1] if "." in name else "w2v_spark"
    return second if (PACKAGE / second).is_dir() or (PACKAGE / f"{second}.py").is_file() else "w2v_spark"


@cache
def imports_of(path: Path) -> list[str]:
    """All that a file imports; each is read once for all tests."""
    return imports(path.read_text(encoding="utf-8"))


def libraries(path: Path) -> set[str]:
    """Libraries beyond the standard one that a module imports."""
    return {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names)


def in_package(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


class TestModules:
    """One test a rule for all modules: what is asserted names those that break it."""

    def test_only_the_spark_layer_imports_pyspark(self) -> None:
        others = [path for path in MODULES if layer_of(path) not in WITH_PYSPARK]
        assert len(others) > 1
        assert [in_package(path) for path in others if libraries(path) & {"pyspark", "py4j"}] == []

    def test_kernels_import_the_compiler_and_numpy_only(self) -> None:
        kernels = [path for path in MODULES if layer_of(path) == "kernels"]
        assert len(kernels) > 1
        found = {in_package(path): libraries(path) - KERNEL_LIBRARIES - {"w2v_spark"} for path in kernels}
        assert {path: names for path, names in found.items() if names} == {}

    def test_imports_are_absolute(self) -> None:
        found = {in_package(path): [name for name in imports_of(path) if name.startswith(".")] for path in MODULES}
        assert {path: names for path, names in found.items() if names} == {}

    def test_layers_import_what_they_may(self) -> None:
        layers = {layer_of(path) for path in MODULES}
        assert layers <= set(MAY_IMPORT), "say in MAY_IMPORT and in docs/design/architecture.md what it may import"
        found = {}
        for path in MODULES:
            layer, late = layer_of(path), LATE.get(in_package(path), set())
            ours = {layer_of_import(name) for name in imports_of(path) if name.split(".")[0] == "w2v_spark"}
            if forbidden := ours - MAY_IMPORT[layer] - {layer} - late:
                found[in_package(path)] = forbidden
        assert found == {}

    def test_rooms_above_are_imported_late(self) -> None:
        for name, late in LATE.items():
            source = (PACKAGE / name).read_text(encoding="utf-8")
            assert not {layer_of_import(name) for name in imports_at_the_top(source)} & late, name

    def test_the_package_imports_nothing_beside_it(self) -> None:
        beside = {"jobs", "benchmarks", "tests", "tools"}
        assert [in_package(path) for path in MODULES if libraries(path) & beside] == []


def test_the_naive_twins_import_nothing_of_the_package() -> None:
    twins = sorted((ROOT / "tests" / "naive").glob("*.py"))
    assert len(twins) > 1
    assert [path.name for path in twins if "w2v_spark" in libraries(path)] == []


def test_the_reader_of_imports_sees_every_kind() -> None:
    source = (
        "import a.b as c, d\nfrom e.f import g, h\nfrom . import i\nfrom ..j import k\n"
        "def f():\n    import l\n    if True:\n        from m import n\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import o\n"
    )
    expected = {"a.b", "d", "e.f.g", "e.f.h", "..i", "..j.k", "l", "m.n", "o", "typing.TYPE_CHECKING"}
    assert set(imports(source)) == expected
    assert set(imports_at_the_top(source)) == expected - {"l", "m.n"}
    assert layer_of_import("w2v_spark.config.Config") == "config"
    assert layer_of_import("w2v_spark.corpus.chunks.decode_ids") == "corpus"
    assert layer_of_import("w2v_spark.__version__") == layer_of_import("w2v_spark") == "w2v_spark"


def test_nothing_is_unpickled() -> None:
    """But what numba keeps, see `kernels/cache.py`: a pickle does what whoever has written it wants."""
    picklers = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    others = [path for path in MODULES if path != PACKAGE / "kernels/cache.py"]
    assert len(others) == len(MODULES) - 1
    assert [in_package(path) for path in others if {name.split(".")[0] for name in imports_of(path)} & picklers] == []
    assert [in_package(path) for path in others if "allow_pickle=True" in path.read_text(encoding="utf-8")] == []
