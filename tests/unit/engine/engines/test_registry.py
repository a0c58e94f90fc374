"""The list of engines: the values of `KIMI_ENGINE`, and that no other code knows an engine's name."""

import ast
import re
from collections.abc import Iterator

import pytest

from engine.catalog import catalog, models
from engine.config import ROOT, ConfigError, Settings
from engine.engines import registry
from engine.engines.registry import ENGINES

AT_HOME = ("engine/engines/", "engine/catalog.py", "engine/config.py", "engine/reader/")
"""Where engines are described; the last is the engine of that name."""
OTHER_THINGS = {
    ("app/lazily.py", "openai"),  # the library
    ("engine/commands/doctor.py", "reader"),  # an extra of pyproject.toml
    ("engine/machine/detect.py", "sglang"),  # a command on the PATH
}
"""What has an engine's name and is something else."""


def test_an_engine_that_does_not_exist_is_one_sentence_with_those_that_do() -> None:
    registry.check(Settings(_env_file=None, engine="auto"))
    with pytest.raises(ConfigError) as raised:
        registry.check(Settings(_env_file=None, engine="vlm"))
    assert str(raised.value) == "KIMI_ENGINE is 'vlm'; allowed is auto, reader, vllm, sglang, llama or openai."


def test_the_catalogue_speaks_of_engines_that_exist() -> None:
    spoken = {name for model in models().values() for name in (*model.engines, *model.parsers, *model.flags)}
    spoken |= {variant.engine for model in models().values() for variant in model.variants}
    for entries in (
        catalog().engines, catalog().recipes, catalog().established, catalog().forbidden, catalog().troubleshooting
    ):  # fmt: skip
        spoken |= {entry.engine for entry in entries}
    assert spoken <= set(ENGINES)


def test_an_engine_without_a_benchmark_says_what_to_do_instead() -> None:
    for engine in ENGINES.values():
        assert (engine.bench is None) == bool(engine.no_bench), engine.name


def test_a_setting_for_a_server_elsewhere_is_that_of_the_remote_engine() -> None:
    for name, engine in ENGINES.items():
        assert Settings(_env_file=None, engine=name).remote == engine.traits.remote, name


def named() -> Iterator[tuple[str, str]]:
    """Files of the program, each with the engines' names that are strings in it."""
    for folder in ("app", "engine"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in ENGINES:
                    yield path.relative_to(ROOT).as_posix(), str(node.value)
    quoted = re.compile(rf"""(?:["'`]|\b(?=\w+:\s))({"|".join(ENGINES)})(?:["'`]|:)""")
    for path in (ROOT / "public").glob("*.js"):
        for found in quoted.finditer(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), found[1]


def test_nothing_but_the_engines_themselves_knows_an_engine_by_its_name() -> None:
    elsewhere = {(path, name) for path, name in named() if not path.startswith(AT_HOME)}
    assert elsewhere - OTHER_THINGS == set()
