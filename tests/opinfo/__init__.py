"""PyTorch's own samples of its operators (``torch.testing``'s OpInfo), each converted and held against eager.

``samples`` chooses operators and inputs, ``examine`` says what became of a sample, ``python -m tests.opinfo.run`` goes
through all of them and writes the table; the test runs a part of it.
"""
