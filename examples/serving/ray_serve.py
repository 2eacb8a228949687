"""A converted module behind Ray Serve: replicas on the GPUs of one or many machines, requests in one call, retries.

torch2trt convert torchvision:resnet18 resnet18.trt --input x:1..32x3x224x224
serve run ray_serve:app file=/absolute/path/resnet18.trt replicas=4
curl localhost:8000 -d '{"x": [...]}'
"""

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import torch2trt
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import JSONResponse
from torch2trt.serving import Served

#: how often a request is asked again whose replica died
ATTEMPTS = 5


@serve.deployment(max_ongoing_requests=64)
class Model:
    """One replica: a process with the module on a GPU of its own."""

    def __init__(self, make: Callable[[], torch2trt.TRTModule]) -> None:
        self.served = Served(make())

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.002)
    async def __call__(self, requests: list[Any]) -> list[tuple[int, dict[str, Any]]]:
        """The status and the answer of each request that came in the meantime."""
        return self.served.from_json(requests)


@serve.deployment(max_ongoing_requests=256)
class Front:
    """Takes requests, and asks again where a replica died with them: Ray Serve itself repeats none that had begun."""

    def __init__(self, model: DeploymentHandle) -> None:
        self.model = model

    async def __call__(self, request: Request) -> JSONResponse:
        """The answer to one request."""
        values = await request.json()
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(RayActorError):
                return await self._answer(values)
        return await self._answer(values)

    async def _answer(self, values: Any) -> JSONResponse:
        status, answer = await self.model.remote(values)
        return JSONResponse(answer, status)


def application(make: Callable[[], torch2trt.TRTModule], replicas: int = 1, gpus: float = 1) -> serve.Application:
    """The application of a module that ``make`` makes in every replica, each with so many GPUs."""
    model = Model.options(num_replicas=replicas, ray_actor_options={"num_gpus": gpus})
    return Front.bind(model.bind(make))


def app(arguments: dict[str, str]) -> serve.Application:
    """The application of a ``file`` with ``replicas`` and ``gpus`` of each, as ``serve run`` asks for it."""
    replicas, gpus = int(arguments.get("replicas", 1)), float(arguments.get("gpus", 1))
    return application(partial(torch2trt.load, arguments["file"]), replicas, gpus)
