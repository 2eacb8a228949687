"""The comparison of converted modules with other ways to run a model on a GPU; ``bench_gpu.py`` runs it.

``rows`` and ``blocks`` are the models, ``columns`` and ``peers`` the ways to run them.  Each column of a row has a
process of its own (``process`` starts it, ``worker`` runs in it and calls ``measure``), which ``run`` asks in turns.
``record`` keeps what came of it, ``table`` and ``page`` show it, beside the bounds of ``roofline``.

What a process of a column imports is this package, PyTorch and what its column needs: a peer's environment has neither
torch2trt nor its version of TensorRT.
"""
