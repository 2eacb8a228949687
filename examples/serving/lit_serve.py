"""A converted module behind LitServe: one process on each GPU, requests in one call.

torch2trt convert torchvision:resnet18 resnet18.trt --input x:1..32x3x224x224
python lit_serve.py resnet18.trt
curl localhost:8000/predict -H 'Content-Type: application/json' -d '{"x": [...]}'
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import litserve
import torch2trt
from starlette.responses import JSONResponse
from torch2trt.serving import Served


class Model(litserve.LitAPI):
    """What LitServe asks of a model; ``make`` makes the module in every process."""

    def __init__(self, make: Callable[[], torch2trt.TRTModule]) -> None:
        super().__init__(max_batch_size=32, batch_timeout=0.002)
        self.make = make

    def setup(self, device: str) -> None:
        """Once in every process."""
        self.served = Served(self.make(), device)

    def batch(self, inputs: list[Any]) -> list[Any]:
        """The requests as they are: which of them are one call, ``Served`` knows."""
        return inputs

    def predict(self, requests: list[Any]) -> list[tuple[int, dict[str, Any]]]:
        """The status and the answer of each request."""
        return self.served.from_json(requests)

    def unbatch(self, output: list[Any]) -> list[Any]:
        """The answers one by one."""
        return output

    def encode_response(self, output: tuple[int, dict[str, Any]]) -> JSONResponse:
        """An error is answered too: what is raised here LitServe gives to all requests of the batch."""
        status, answer = output
        return JSONResponse(answer, status)


if __name__ == "__main__":
    litserve.LitServer(Model(partial(torch2trt.load, sys.argv[1]))).run(port=8000, generate_client_file=False)
