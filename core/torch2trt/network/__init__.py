"""From a plan to an engine: lowering to a TensorRT network, and building."""
