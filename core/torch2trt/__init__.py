"""torch2trt: PyTorch models as TensorRT engines."""
