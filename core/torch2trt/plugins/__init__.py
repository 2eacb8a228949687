"""TensorRT plugins: layers of creators that packs bring, and PyTorch's custom operators as such layers."""
