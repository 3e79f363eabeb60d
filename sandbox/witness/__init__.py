"""The second verifier: another library's opinion of a record, sharing nothing with the first.

`Witness.look` asks signxml about the three signatures and cryptography about the certificates. It
imports neither `sandbox.xmldsig` nor the parser and the certificates that stand behind it, and
nothing of those imports it: one mistake cannot be made by both.

It has three answers. *Valid* and *invalid* can be compared with what the first verifier said;
*unknown* means that the library cannot express the question, and says which one.
"""

from sandbox.witness.opinion import Opinion, Reason, Standing
from sandbox.witness.record import Witness

__all__ = ["Opinion", "Reason", "Standing", "Witness"]
