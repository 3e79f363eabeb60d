"""Reading an installation's figures over HTTP, as `/kho/so-lieu.txt` gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from sandbox.errors import Unavailable
from sandbox.wire.http import client, retry_after_of

PATH = "/kho/so-lieu.txt"
PREFIX = "hocba_"

Value = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Reading:
    """All figures at one moment, by name without the prefix `hocba_`."""

    values: Mapping[str, tuple[Value, ...]]
    whole: bool
    """True: every space of the installation; False: only the one whose address was asked."""

    def of(self, name: str) -> tuple[Value, ...]:
        """Return labels and value of each series called *name*."""
        return self.values.get(name, ())

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of the series called *name* that carry *labels*."""
        return sum(value for said, value in self.of(name) if labels.items() <= said.items())

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return the series called *name* added up by one label, in the order they come."""
        found: dict[str, float] = {}
        for said, value in self.of(name):
            key = said.get(label, "")
            found[key] = found.get(key, 0.0) + value
        return found


def read_metrics(base_url: str, *, token: str | None = None, read_s: float = 10.0) -> Reading:
    """Return the figures of the installation (or, with `/s/…`, of a space) at *base_url*.

    With the installation's admin *token* all spaces are told; a token that is not this
    installation's is left out.

    Raises:
        Unavailable: nobody answers, or not with figures.
        Misuse: *base_url* leads outside loopback.
    """
    url = base_url.rstrip("/") + PATH
    with client(base_url, read_s=read_s) as http:
        try:
            answer = http.get(url, headers=_bearer(token))
            if token and answer.status_code == 401:
                token = None
                answer = http.get(url)
        except httpx.HTTPError as error:
            raise Unavailable(f"{url}: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Unavailable(f"{url}: {answer.status_code}", retry_after=retry_after_of(answer))
    return parse(answer.text, whole=token is not None)


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def parse(text: str, *, whole: bool = False) -> Reading:
    """Return the figures in *text*. Raises `Unavailable` for what is no such text."""
    found: dict[str, list[Value]] = {}
    try:
        for name, labels, value in _samples(text):
            found.setdefault(name.removeprefix(PREFIX), []).append((labels, value))
    except ValueError as error:
        raise Unavailable(f"no figures: {error}") from error
    if not found:
        raise Unavailable("no figures")
    return Reading({name: tuple(rows) for name, rows in found.items()}, whole)


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
