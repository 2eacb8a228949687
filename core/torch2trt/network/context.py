"""What a converter works with: the network, the call, and its arguments as TensorRT values."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from typing_extensions import TypeIs

from .._trt import trt
from ..dtypes import short_name, to_torch, to_trt
from ..errors import ConversionError
from ..plugins.creators import MadeOf, add_plugin, make_plugin
from ..program.call import Call, describe, describe_arguments
from ..program.program import Program
from ..settings import Settings


def is_runtime(value: Any) -> TypeIs[trt.ITensor]:
    """Whether ``value`` is known only when the engine runs."""
    return isinstance(value, trt.ITensor)


class Constants:
    """The constants of one network: each tensor becomes one layer, and its memory lives until the network has its own.

    Parameters keep their names: as the name of their constant layer, and as the name of the weights for a refit.
    """

    def __init__(self, network: trt.INetworkDefinition, names: Mapping[int, str]) -> None:
        self._network = network
        #: of the program's constants, by ``id``
        self._names = dict(names)
        self._reshaped: Final[dict[tuple[int, int], torch.Tensor]] = {}
        self._keep: Final[list[torch.Tensor]] = []
        #: the tensors that the network's weights are, dense and on the CPU, by the ``id`` of what was given for them
        self.dense: Final[dict[int, torch.Tensor]] = {}
        #: tensors that were computed while lowering, by ``id``: nobody else has their memory
        self.computed: Final = weakref.WeakValueDictionary[int, torch.Tensor]()
        #: the memory of weights that nobody else has, by its address
        self.made: dict[int, torch.Tensor] = {}
        #: what the plugins of creators were made of
        self.plugins: Final[list[MadeOf]] = []
        self._layers: Final[dict[Any, trt.ITensor]] = {}
        self._named_weights: Final[dict[str, trt.Weights]] = {}
        self._layers_named: Final[set[str]] = set()

    def weights(self, value: torch.Tensor) -> trt.Weights:
        """TensorRT's view of a tensor's memory, without a copy where it is dense and on the CPU."""
        if id(value) not in self.dense:  # or what several layers share would be copied for each
            self.dense[id(value)] = value.detach().cpu().contiguous()
            self._keep.append(value)  # so that no other tensor gets its id
        tensor = self.dense[id(value)]
        if id(value) in self.computed or tensor.data_ptr() != value.data_ptr():
            self.made[tensor.data_ptr()] = tensor
        if tensor.numel() == 0:
            return trt.Weights(to_trt(tensor.dtype))
        weights = trt.Weights(to_trt(tensor.dtype), tensor.data_ptr(), tensor.numel())
        if name := self._names.get(id(value)):
            self._named_weights.setdefault(name, weights)
        return weights

    def name_weights(self) -> None:
        """Give the weights of parameters their names; TensorRT names only what a layer uses by now."""
        for name, weights in self._named_weights.items():
            self._network.set_weights_name(weights, name)

    def tensor(self, value: torch.Tensor) -> trt.ITensor:
        """A constant layer's output."""
        name = self._names.get(id(value))
        key: Any = id(value)
        if name is None and value.numel() == 1:  # scalars repeat as values, not as objects
            key = (value.dtype, tuple(value.shape), str(value.item()))
        if key not in self._layers:
            layer = self._network.add_constant(tuple(value.shape), self.weights(value))
            if name is not None and name not in self._layers_named:
                self._layers_named.add(name)
                layer.name = name
            self._layers[key] = layer.get_output(0)
        return self._layers[key]

    def reshaped(self, value: torch.Tensor, ndim: int) -> torch.Tensor:
        """``value`` with dimensions of size 1 in front up to a rank of ``ndim``, under the same name."""
        if value.dim() >= ndim:
            return value
        if (id(value), ndim) not in self._reshaped:
            view = value.reshape((1,) * (ndim - value.dim()) + tuple(value.shape))
            self._reshaped[id(value), ndim] = view
            self._keep.append(value)
            if (name := self._names.get(id(value))) is not None:
                self._names[id(view)] = name
        return self._reshaped[id(value), ndim]


#: lowers a subprogram with tensors for its inputs; gives its outputs
LowerSubprogram = Callable[[Program, Sequence[Any]], "list[Any]"]


class Context:
    """The context of one call.  Everything else that converters need is a function in :mod:`torch2trt.lib`."""

    def __init__(
        self,
        network: trt.INetworkDefinition,
        constants: Constants,
        call: Call,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        settings: Settings,
        lower_subprogram: LowerSubprogram,
        next_seed: Callable[[], trt.ITensor],
    ) -> None:
        #: the network under construction; new layers are named ``module.path/target#n`` when the converter returns
        self.network = network
        #: the call, with FakeTensors
        self.call = call
        #: the call's arguments as values to convert
        self.args, self.kwargs = tuple(args), dict(kwargs)
        #: the settings of this conversion
        self.settings = settings
        self._constants = constants
        self._lower_subprogram = lower_subprogram
        self._next_seed = next_seed

    def const(self, value: Any) -> torch.Tensor:
        """``value`` as a constant tensor; :class:`ConversionError` where it is only known at run time."""
        if isinstance(value, torch.Tensor):
            return value
        if is_runtime(value):
            raise ConversionError("an argument that must be a constant is computed at run time")
        return torch.as_tensor(value)

    def weights(self, value: torch.Tensor) -> trt.Weights:
        """A constant as weights of a layer: dtypes are kept, memory is shared where it can be and kept alive."""
        return self._constants.weights(value)

    def tensor(self, value: Any, dtype: torch.dtype | None = None, ndim: int | None = None) -> trt.ITensor:
        """``value`` as a tensor of the network.

        Args:
            value: a runtime tensor, a constant or a Python number.
            dtype: cast to this dtype; by default a tensor keeps its own and a number gets PyTorch's default.
            ndim: prepend dimensions of size 1 up to this rank.
        """
        if not is_runtime(value):
            # a whole number beyond a whole dtype wraps around below, as in PyTorch
            tensor = torch.as_tensor(value, dtype=None if isinstance(value, (int, torch.Tensor)) else dtype)
            tensor = tensor if dtype is None else tensor.to(dtype)
            return self._constants.tensor(tensor if ndim is None else self._constants.reshaped(tensor, ndim))
        runtime: trt.ITensor = value
        if dtype is not None and runtime.dtype != to_trt(dtype):
            runtime = self.network.add_cast(runtime, to_trt(dtype)).get_output(0)
        if ndim is not None and (missing := ndim - len(runtime.shape)) > 0:
            axes = self._constants.tensor(torch.arange(missing))
            runtime = self.network.add_unsqueeze(runtime, axes).get_output(0)
        return runtime

    def shape(self, dims: Sequence[Any]) -> trt.ITensor:
        """Sizes as one int64 shape tensor of ``len(dims)`` elements; each is an ``int`` or a 0-d tensor."""
        if all(isinstance(dim, int) for dim in dims):
            return self._constants.tensor(torch.tensor(list(dims), dtype=torch.int64))
        parts = [self.tensor(dim, torch.int64, ndim=1) for dim in dims]
        layer = self.network.add_concatenation(parts)
        layer.axis = 0
        return layer.get_output(0)

    def lower(self, subprogram: Program, inputs: Sequence[Any]) -> list[Any]:
        """Convert the calls of a subprogram, such as a branch or a loop's body, in this place of the network.

        Args:
            subprogram: a ``Program`` among the call's arguments.
            inputs: for each of its inputs a tensor of the network, a constant or a size.

        Returns:
            its outputs in order: tensors of the network, constants, sizes, or Python constants.
        """
        return self._lower_subprogram(subprogram, inputs)

    def seed(self) -> trt.ITensor:
        """An int32 tensor of one element to make random numbers of, whose value nothing else has.

        It is another one at every call of the module and every time that a converter asks for one; only operators that
        draw random numbers have it.
        """
        return self._next_seed()

    def add_plugin(
        self,
        name: str,
        version: str,
        inputs: Sequence[Any],
        fields: Mapping[str, Any] | None = None,
        namespace: str = "",
        shape_inputs: Sequence[Any] = (),
    ) -> Any:
        """A layer of a TensorRT plugin, whose creator a pack registered in its hook ``torch2trt_register_plugins``.

        Args:
            name: of the creator, as ``version`` and ``namespace`` are.
            version: of the creator.
            inputs: tensors of the network, constants or numbers.
            fields: for each field a number, a truth value, a string, a dtype, a tensor, an array, or a list of numbers;
                it becomes what the creator says that the field is.
            namespace: of the creator.
            shape_inputs: tensors whose values decide the sizes of the results.

        Returns:
            the layer, with its results at ``layer.get_output(index)``.

        Raises:
            ConversionError: there is no such creator or field, a value does not fit, or the network takes no plugins.
        """
        plugin, made_of = make_plugin(name, version, namespace, fields or {})
        self._constants.plugins.append(made_of)
        tensors, sizes = ([self.tensor(value) for value in given] for given in (inputs, shape_inputs))
        return add_plugin(self.network, tensors, sizes, plugin)

    def describe_arguments(self) -> str:
        """The arguments in short, constants told from runtime tensors, for error messages."""
        return describe_arguments(self.args, self.kwargs, _describe)


def _describe(value: Any) -> str:
    if is_runtime(value):
        try:
            return f"{short_name(to_torch(value.dtype))}{list(value.shape)}"
        except (ValueError, RuntimeError):
            return "a tensor without a valid shape"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_describe, value)) + "]"
    return describe(value) + (" constant" if isinstance(value, torch.Tensor) else "")
