"""Signed corpora of the invented nation: records, signatures, packages, dirt, manifest.

Everything follows from the order: the same order gives the same XML bytes alone, inside a
larger one, in any number of processes, on any day (features 31 to 34).
"""

from sandbox.corpora.cases import Case, cases_of
from sandbox.corpora.dirt import MIXABLE, Dirt, Fault, mixable
from sandbox.corpora.making import Maker, Pack
from sandbox.corpora.orders import Form, Order, Packing
from sandbox.corpora.running import make, stream
from sandbox.corpora.signers import Credential, Signers
from sandbox.corpora.writing import SchoolRow

__all__ = [
    "MIXABLE",
    "Case",
    "Credential",
    "Dirt",
    "Fault",
    "Form",
    "Maker",
    "Order",
    "Pack",
    "Packing",
    "SchoolRow",
    "Signers",
    "cases_of",
    "make",
    "mixable",
    "stream",
]
