"""Array type and equality precision of the scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Decimals to which means are rounded that come by different sums or divisions: far below the step of any score,
# far above float64's own error, so that what ties in whole answers still ties in its means.
EXACT = 12
