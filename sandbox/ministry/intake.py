"""From the bytes of a request to its fields: the first, cheapest checks of the receipt.

Everything wrong here is the sender's to mend and answers `SBX-1101` with a JSON pointer
(transactions §2.7, §5); a hostile body (deep nesting, endless numbers, stray surrogates) is wrong
in the same way and costs no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sandbox.errors import Finding, Refused

CODE = "SBX-1101"
_SECRET = frozenset({"password", "token"})
_NUMBERS = frozenset({"nam_hoc", "ma_nam_hoc", "sau"})
_WRONG_TYPE = {
    "string_type": "String",
    "string_unicode": "Unicode",
    "int_type": "Number",
    "int_from_float": "Number",
    "model_type": "Object",
    "model_attributes_type": "Object",
}
_BOM = b"\xef\xbb\xbf"
MAX_ECHO = 64

Model = TypeVar("Model", bound=BaseModel)


class _WrongError(ValueError):
    """Lawful for the JSON reader, not for us."""


def read_json(body: bytes) -> Any:
    """Return the decoded body.

    Raises:
        Refused: SBX-1101 when it is not UTF-8, not JSON, names a key twice, or holds NaN.
    """
    try:
        text = body.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as fault:
        raise _refuse(expected="UTF-8", value=f"byte {fault.start}") from None
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise _refuse(expected="JSON", value=place) from None
    except _WrongError as fault:
        raise _refuse(expected="JSON", value=str(fault)) from None
    except (RecursionError, ValueError):
        raise _refuse(expected="JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says one thing twice: two readers would read it differently."""
    read = dict(pairs)
    if len(read) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _WrongError(f'"{_encodable(twice[:40])}" × 2')
    return read


def _no_constant(name: str) -> NoReturn:
    raise _WrongError(name)


def read_fields(data: Any, model: type[Model]) -> Model:
    """Return the fields of a decoded request.

    Raises:
        Refused: SBX-1101, one finding per field that is missing or of a wrong type or form.
    """
    if not isinstance(data, dict):
        raise _refuse(expected="Object", pointer="")
    _refuse_unstorable(data, where="")
    try:
        return model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as fault:
        raise Refused(*(_finding(row) for row in fault.errors(include_url=False))) from None


def echo_of(data: Any) -> str | None:
    """Return the messageid to be echoed, as far as one can be made out."""
    inside = data.get("authenticationRequest") if isinstance(data, Mapping) else None
    given = inside.get("messageid") if isinstance(inside, Mapping) else None
    if isinstance(given, str) and len(given) <= MAX_ECHO and given.isprintable():
        return given
    return None


def _finding(row: ErrorDetails) -> Finding:
    place = [str(step) for step in row["loc"]]
    name = place[-1] if place else ""
    given = row.get("input")
    shown = None
    if row["type"] != "missing" and name not in _SECRET and isinstance(given, str | int | float):
        shown = str(given)[:80]
    return Finding(
        CODE, field=name or None, pointer=_pointer(place), value=shown, expected=_expected(row)
    )


def _expected(row: ErrorDetails) -> str:
    """Say in no language what should have stood there."""
    kind = str(row["type"])
    context = row.get("ctx", {})
    if kind == "missing":
        name = str(row["loc"][-1])
        if name == "authenticationRequest":
            return "Object"
        return "Number" if name in _NUMBERS else "String"
    if kind in _WRONG_TYPE:
        return _WRONG_TYPE[kind]
    for name in ("expected", "pattern"):
        if name in context:
            return str(context[name])
    return ", ".join(f"{name} {value}" for name, value in context.items()) or kind


def _pointer(steps: Iterable[str]) -> str:
    return "".join(
        "/" + _encodable(step).replace("~", "~0").replace("/", "~1")[:80] for step in steps
    )


def _encodable(text: str) -> str:
    """Return *text* so that it can be answered: halves of surrogate pairs become `?`."""
    return text.encode("utf-8", "replace").decode()


def _refuse_unstorable(value: Mapping[str, Any], *, where: str) -> None:
    """Refuse texts no database and no XML can hold: U+0000 and halves of surrogate pairs."""
    for name, inner in value.items():
        pointer = f"{where}{_pointer([name])}"
        if isinstance(inner, Mapping) and not where:
            _refuse_unstorable(inner, where=pointer)
        elif isinstance(inner, str) and _is_unstorable(inner):
            raise _refuse(expected="Unicode", pointer=pointer)


def _is_unstorable(text: str) -> bool:
    if "\x00" in text:
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _refuse(*, expected: str, value: str | None = None, pointer: str = "") -> Refused:
    return Refused(Finding(CODE, pointer=pointer, value=value, expected=expected))
