"""What lxml's type stubs leave out, said once."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for its elements
LONGEST_NAME: Final = 80


def line_of(node: Element) -> int | None:
    """Return the line of the start tag in the parsed text, from 1; None for a made element."""
    untyped: Any = node
    line = untyped.sourceline
    return line if isinstance(line, int) else None


def is_element(node: Element) -> bool:
    """Say whether *node* is an element, not a comment, an instruction or an entity."""
    tag: object = node.tag
    return isinstance(tag, str)


def is_comment(node: Element) -> bool:
    """Say whether *node* is a comment."""
    tag: Any = node.tag
    return tag is etree.Comment


def attributes_of(element: Element) -> dict[str, str]:
    """Return the attributes of *element*, namespace declarations excluded."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def bare_name(name: object) -> str:
    """Return a tag or attribute name without its namespace, at most 80 characters."""
    return str(name).rpartition("}")[2][:LONGEST_NAME]
