"""Lock for building and loading models by transformers.

transformers replaces functions of its classes, and of PyTorch's, while it builds or loads a model. Two threads at
once would leave them replaced, and no later model of the process would have a tied head.
"""

import threading

LOADING = threading.RLock()
