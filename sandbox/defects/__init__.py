"""Everything wrong on purpose: single faults of a good package, each with the code it provokes.

`DEFECTS` holds one function per fault; its docstring says what is wrong, its label which code
must answer and where. `Kit` builds the good records and packages they start from, with real
keys and the practice school. Correct code elsewhere is never crippled: what is wrong is made
here (architecture §6.7).
"""

from sandbox.defects.delivery import ABSENT, CertificateEvent, Delivery, Needs
from sandbox.defects.kit import Kit, Signer
from sandbox.defects.registry import DEFECTS, Defect, Need

__all__ = [
    "ABSENT",
    "DEFECTS",
    "CertificateEvent",
    "Defect",
    "Delivery",
    "Kit",
    "Need",
    "Needs",
    "Signer",
]
