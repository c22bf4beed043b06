"""Array type and equality precision of the scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Number of decimals to which means from different sums or divisions are rounded. The last one is far below
# the step of any score and far above the error of float64, so that equal counts of right answers stay tied.
EXACT = 12
