"""The *volume* scenario: the invented nation's signed corpus through the front door.

`run_volume(stand, …)` makes one whole measured run and returns a `VolumeReport`; `stand` (in
`loadtests.stand`) brings up everything such a run needs.
"""

from loadtests.volume.report import VolumeReport
from loadtests.volume.run import run_volume

__all__ = ["VolumeReport", "run_volume"]
