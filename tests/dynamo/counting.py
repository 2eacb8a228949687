"""The backend, counting what it is given and what becomes of it."""

import torch
from torch2trt.dynamo.backend import backend
from torch2trt.plan.plan import Plan

#: the interpreter, and no build
CPU = {"runtime": "reference", "build": False, "min_segment": 1}


class Counting:
    """A backend for ``torch.compile``: how many graphs Dynamo gave, and how many modules were converted of them."""

    def __init__(self, monkeypatch):
        self.graphs = self.conversions = 0
        convert = Plan.convert

        def counted(plan):
            self.conversions += 1
            return convert(plan)

        monkeypatch.setattr(Plan, "convert", counted)

    def __call__(self, graph_module, examples, **kwargs):
        self.graphs += 1
        return backend(graph_module, examples, **kwargs)

    def compile(self, model, options=CPU, **kwargs):
        """``torch.compile`` with this backend, from nothing."""
        torch._dynamo.reset()
        return torch.compile(model, backend=self, options=options, **kwargs)
