"""Data files that people write by hand: scenarios, load profiles, objectives.

A bad file is answered with its name, the line and what was expected, never with a traceback.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.errors import Misuse

LARGEST_FILE = 262_144
"""Bytes; a scenario of a hundred steps has about 30 kB."""

DEEPEST = 20

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]


class Part(BaseModel):
    """Base of all parts of a data file: an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """One text in the two languages of the sandbox."""

    vi: str = Field(min_length=1, max_length=400)
    en: str = Field(min_length=1, max_length=400)

    def of(self, language: str) -> str:
        """Return the text in *language* (`vi` or `en`)."""
        return self.en if language == "en" else self.vi


def read_datafile(file: Path, model: type[Model]) -> Model:
    """Return *file* (YAML) read as *model*.

    Raises `Misuse` naming file, line and what was expected: for a file that is missing or too
    large, for YAML that is not well-formed, has a key twice or uses aliases, and for every value
    the model does not allow.
    """
    text = _text_of(file)
    lines: dict[Path_, int] = {}
    data = _data_of(file, text, lines)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _misuse_of(file, error, lines) from error


def _text_of(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Misuse(error.strerror or "unreadable", file=str(file)) from error
    if len(raw) > LARGEST_FILE:
        raise Misuse(f"{len(raw)} bytes", file=str(file), remedy=f"≤ {LARGEST_FILE} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Misuse("not UTF-8", file=str(file), line=line, remedy="UTF-8") from error


def _data_of(file: Path, text: str, lines: dict[Path_, int]) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        _refuse_bombs(file, text)
        node = loader.get_single_node()
        if node is None:
            raise Misuse("empty", file=str(file), line=1, remedy="a mapping")
        return _build(file, loader, node, (), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Misuse(
            error.problem or "YAML",
            file=str(file),
            line=mark.line + 1 if mark else None,
            remedy=error.context or "YAML 1.1",
        ) from error
    except yaml.YAMLError as error:
        raise Misuse(str(error).splitlines()[0], file=str(file), remedy="YAML 1.1") from error
    finally:
        loader.dispose()


def _refuse_bombs(file: Path, text: str) -> None:
    """Aliases and deep nesting could blow a small file up; no data file needs them."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            raise Misuse(f"*{event.anchor}", file=str(file), line=line, remedy="no aliases")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise Misuse("nesting", file=str(file), line=line, remedy=f"≤ {DEEPEST}")


def _build(
    file: Path, loader: yaml.SafeLoader, node: yaml.Node, path: Path_, lines: dict[Path_, int]
) -> Any:
    """Turn *node* into plain data and note on which line each value stands."""
    lines[path] = _line(node)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(file, loader, child, (*path, number), lines)
            for number, child in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        line = _line(key_node)
        if not isinstance(key, str):
            raise Misuse(f"{key!r}", file=str(file), line=line, remedy="a text as key")
        if key in result:
            raise Misuse(f"{key}: twice", file=str(file), line=line, remedy="each key once")
        result[key] = _build(file, loader, value_node, (*path, key), lines)
        lines[(*path, key)] = line
    return result


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


def _misuse_of(file: Path, error: ValidationError, lines: dict[Path_, int]) -> Misuse:
    """Name the first fault by its place in the file, and up to two more beside it."""
    faults = sorted(
        ((*_place_of(fault["loc"], lines), fault) for fault in error.errors()),
        key=lambda row: row[1],
    )
    place, line, first = faults[0]
    expected = first["msg"]
    for other, at, fault in faults[1:3]:
        expected += f"; {at}: {_name(other)} — {fault['msg']}"
    value = first["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    return Misuse(f"{_name(place)}{shown}", file=str(file), line=line, remedy=expected)


def _name(place: Path_) -> str:
    return "/" + "/".join(str(part) for part in place)


def _place_of(loc: tuple[int | str, ...], lines: dict[Path_, int]) -> tuple[Path_, int]:
    """Return the deepest part of *loc* that stands in the file, and the whole path's name.

    A union adds the chosen member's name to the path; names that lead nowhere are left out.
    """
    known: Path_ = ()
    unknown: Path_ = ()
    for part in loc:
        if (*known, part) in lines:
            known = (*known, part)
            unknown = ()
        else:
            unknown = (*unknown, part)
    missing = unknown[-1:] if unknown and isinstance(unknown[-1], str) else ()
    return (*known, *missing), lines[known]
