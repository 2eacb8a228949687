"""What is kept on disk from one process to the next: engines, and the kernels that TensorRT for RTX compiles."""
