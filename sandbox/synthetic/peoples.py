"""Which peoples the pupils of a school belong to.

A province's shares are not spread evenly: in the highlands most schools serve one people, and
most lowland schools hardly any minority. So some schools of a province are given mostly
minorities, and one of these most, the others few; over the province the shares of
`nation_ethnic_shares.csv` come out again. Which schools these are does not depend on the seed.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

from sandbox.synthetic import tables
from sandbox.synthetic.chance import apportion
from sandbox.synthetic.geography import CITIES
from sandbox.synthetic.shares import SHARES

Mix = tuple[tuple[int, ...], tuple[str, ...]]
"""Running bounds of four-byte draws and the groups they end; the last bound is 2**32."""

_KINH = "Kinh"
_WHOLE = 1_000_000
"""Shares are counted in millionths."""
_MIX = SHARES["peoples"]
_FEW, _LEADING = int(_MIX["few"]), int(_MIX["leading"])
# Steps of two sequences that fill a range evenly (their quotients are the plastic number's
# powers), so that provinces with few schools come near their shares, too.
_STEP, _OTHER_STEP = 49_471, 37_345


@lru_cache(maxsize=1)
def province_shares() -> dict[str, dict[str, int]]:
    """Return the shares of peoples among the pupils of each old province, in millionths."""
    shares: dict[str, dict[str, int]] = {}
    for row in tables.rows("nation_ethnic_shares.csv"):
        of = shares.setdefault(row["old_code"], {})
        of[row["group"]] = round(float(row["share_percent"]) * 10_000)
    return shares


@lru_cache(maxsize=63)
def province_mix(home_code: str) -> Mix:
    """Return the mix of the whole province."""
    shares = province_shares()[home_code]
    return _mix(shares)


@lru_cache(maxsize=64)
def school_mix(home_code: str, number: int) -> Mix:
    """Return the mix of school *number* (1, 2, …) of the old province."""
    return _mix(school_weights(home_code, number))


def school_weights(home_code: str, number: int) -> dict[str, int]:
    """Return how the pupils of school *number* are shared by people; weights, not percent."""
    shares = province_shares()[home_code]
    minority = _WHOLE - shares[_KINH]
    if not minority:
        return shares
    most = int(_MIX["most_in_cities" if home_code in CITIES else "most"])
    start = int(home_code) * 7_919
    if (start + number * _STEP) % 65_536 >= _schools_of_minorities(minority, most):
        few = {group: _FEW * share for group, share in shares.items() if group != _KINH}
        return {_KINH: 1_000 * _WHOLE - _FEW * minority, **few}
    # Where nearly everybody is of a minority anyway, no school has fewer.
    most = max(most, minority * 1_000 // _WHOLE)
    leading = _at((start + number * _OTHER_STEP) % 65_536, shares, minority)
    return {
        _KINH: (1_000 - most) * 1_000 * minority,
        **{
            group: most * ((1_000 - _LEADING) * share + _LEADING * minority * (group == leading))
            for group, share in shares.items()
            if group != _KINH
        },
    }


def _schools_of_minorities(minority: int, most: int) -> int:
    """Return the bound of two-byte draws that keeps the province's share of minorities."""
    room = most * _WHOLE - _FEW * minority
    wanted = (1_000 - _FEW) * minority
    return 65_536 if wanted >= room else 65_536 * wanted // room


def _at(chance: int, shares: dict[str, int], minority: int) -> str:
    left = chance * minority >> 16
    group = _KINH
    for group, share in shares.items():
        if group != _KINH:
            left -= share
            if left < 0:
                break
    return group


def _mix(weights: dict[str, int]) -> Mix:
    return tuple(accumulate(apportion(2**32, list(weights.values())))), tuple(weights)
