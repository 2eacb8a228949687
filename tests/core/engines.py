"""Engines that are wrong, simulated: networks on the interpreter of which TensorRT "fuses" some layers wrongly."""

import dataclasses

from torch2trt.reference import Interpreter


class FusingRunner:
    """Runs a network as an engine would that fuses two layers wrongly, unless what flows between them is an output.

    Args:
        network: a lowered network.
        pairs: of layer names; the second's result is wrong where the first's is no output of the network.
        always: names of layers whose results are wrong however they are fused.
        unless: the only output more with which the layers of ``always`` are right.
        from_size: the first size of the tensors from which on they are wrong.
    """

    kind = "engine"

    def __init__(self, network, pairs=(), always=(), unless=None, from_size=0):
        trt_network = network.network
        outputs = {trt_network.get_output(index).name for index in range(trt_network.num_outputs)}
        layers = {layer.name: layer for layer in map(trt_network.get_layer, range(trt_network.num_layers))}
        wrong = {second for first, second in pairs if layers[first].get_output(0).name not in outputs}
        if unless is None or outputs != {"output_0", layers[unless].get_output(0).name}:
            wrong |= {*always}
        assert wrong <= set(layers)
        self._interpreter = Interpreter(trt_network)
        schedule = self._interpreter._schedule
        steps = tuple(
            dataclasses.replace(step, kernel=_corrupted(step.kernel, from_size)) if step.node.name in wrong else step
            for step in schedule.steps
        )
        self._interpreter._schedule = dataclasses.replace(schedule, steps=steps)

    def __call__(self, tensors):
        return self._interpreter(tensors)


def _corrupted(kernel, from_size):
    def run(*args):
        result = kernel(*args)
        return result * 1.5 if result.shape[0] >= from_size else result

    return run
