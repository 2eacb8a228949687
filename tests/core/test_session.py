"""A session without a GPU: which context and which memory each call gets, on stand-ins for CUDA and the engine."""

import itertools
from types import SimpleNamespace

import pytest
import torch
import torch2trt
from torch2trt import EngineError, InputError
from torch2trt.runtime import lanes, scratch, session
from torch2trt.runtime.engine import Engine as Made
from torch2trt.runtime.session import Session

trt = torch2trt.trt
CPU = torch.device("cpu", 0)


class Context:
    """As ``trt.IExecutionContext`` of an engine that returns zeros as large as its input."""

    def __init__(self):
        self.profile = self.memory = self.shape = self.beside = None
        self.queued = []

    def set_optimization_profile_async(self, profile, stream):
        self.profile = profile

    def set_device_memory(self, address, size):
        self.memory = address, size

    def set_input_shape(self, name, shape):
        self.shape = shape

    def get_tensor_shape(self, name):
        return self.shape

    def set_tensor_address(self, name, address):
        pass

    def set_aux_streams(self, streams):
        self.beside = streams

    def execute_async_v3(self, stream):
        self.queued.append((self.memory, stream))
        return True


class Engine:
    """As ``trt.ICudaEngine`` with an input, an output, and profiles with scratch memory of these sizes."""

    num_io_tensors = 2
    num_aux_streams = 0
    streamable_weights_size = 0

    def __init__(self, *profiles):
        self._profiles = profiles
        self.num_optimization_profiles = len(profiles)
        self.contexts = []

    def get_tensor_name(self, index):
        return "xy"[index]

    def get_tensor_mode(self, name):
        return trt.TensorIOMode.INPUT if name == "x" else trt.TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name):
        return trt.float32

    def get_tensor_location(self, name):
        return trt.TensorLocation.DEVICE

    def get_tensor_shape(self, name):
        return (-1,)

    def get_tensor_profile_shape(self, name, profile):
        low, high, _ = self._profiles[profile]
        return [(low,), (high,), (high,)]

    def get_device_memory_size_for_profile_v2(self, profile):
        return self._profiles[profile][2]

    def create_runtime_config(self):
        return SimpleNamespace(set_execution_context_allocation_strategy=lambda strategy: None)

    def create_execution_context(self, config):
        self.contexts.append(Context())
        return self.contexts[-1]


@pytest.fixture
def cuda(monkeypatch):
    """PyTorch's streams, of which 0 is the default one, and what was allocated on which."""

    class Stream:
        def __init__(self, handle=9):
            self.cuda_stream = handle

        def __eq__(self, other):
            return self.cuda_stream == other.cuda_stream

        __hash__ = None

        def wait_stream(self, other):
            state.waits.append((self.cuda_stream, other.cuda_stream))

        def synchronize(self):
            pass

        def __enter__(self):
            state.before, state.stream = state.stream, self.cuda_stream

        def __exit__(self, *_):
            state.stream = state.before

    def empty(size, **options):
        made = torch.empty(size, **options)
        if made.dtype is torch.uint8:
            state.allocated.append((state.stream, made.numel()))
        return made

    state = SimpleNamespace(stream=5, capturing=False, waits=[], allocated=[])
    fake = SimpleNamespace(
        is_available=lambda: True,
        current_device=lambda: 0,
        current_stream=lambda device=None: Stream(state.stream),
        default_stream=lambda device: Stream(0),
        Stream=lambda device: Stream(),
        stream=lambda stream: stream,
        is_current_stream_capturing=lambda: state.capturing,
    )
    for name in vars(fake):
        monkeypatch.setattr(torch.cuda, name, getattr(fake, name))
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: None)
    monkeypatch.setattr(torch.Tensor, "get_device", lambda tensor: 0)
    patched = SimpleNamespace(**{**vars(torch), "device": lambda *_: CPU, "empty": empty})
    monkeypatch.setattr(session, "torch", patched)
    for module in (lanes, scratch):
        monkeypatch.setattr(module, "current_stream", lambda device: state.stream)
    return state


def session_of(engine, graphs=False):
    made = Session(Made(b"", "rtx", torch2trt.trt.__version__, {}, engine), graphs=graphs)
    made.device = CPU
    return made


def called(made, size=4):
    return made({"x": torch.ones(size)})["y"].shape[0]


def test_each_call_has_scratch_memory_of_the_current_stream(cuda):
    engine = Engine((1, 8, 100))
    made = session_of(engine)
    del cuda.allocated[:]
    assert [called(made), called(made)] == [4, 4]
    (context,) = engine.contexts
    assert cuda.allocated == [(5, 100)] * 2
    assert [(size, stream) for (_, size), stream in context.queued] == [(100, 5)] * 2


def test_beside_the_default_stream_it_is_the_default_streams_which_waits(cuda):
    cuda.stream = 0
    engine = Engine((1, 8, 100))
    made = session_of(engine)
    del cuda.allocated[:], cuda.waits[:]
    called(made)
    assert cuda.allocated == [(0, 100)]
    assert [stream for _, stream in engine.contexts[0].queued] == [9]
    assert cuda.waits == [(9, 0), (0, 9)]


def test_an_engine_that_needs_none_has_an_address_all_the_same(cuda):
    engine = Engine((1, 8, 0))
    called(session_of(engine))
    ((address, size), _) = engine.contexts[0].queued[0]
    assert address
    assert size == 0


def test_who_runs_the_context_has_memory_that_no_call_gets(cuda):
    engine = Engine((1, 8, 100))
    made = session_of(engine)
    context = made.context
    own = context.memory
    assert own[1] == 100
    called(made)
    assert context.queued[0][0] != own
    assert context.memory == own
    assert made.context is context


def test_each_profile_has_a_context_and_the_first_that_holds_a_call_is_taken(cuda):
    engine = Engine((2, 4, 100), (1, 8, 300))
    made = session_of(engine)
    for size in (4, 8, 1, 2):
        called(made, size)
    assert [context.profile for context in engine.contexts] == [0, 1]
    sizes = [[size for (_, size), _ in context.queued] for context in engine.contexts]
    assert sizes == [[100, 100], [300, 300]]
    with pytest.raises(InputError, match="in none of the engine's profiles"):
        called(made, 9)


@pytest.mark.parametrize(("bindings", "beside"), [(object(), [40, 41]), (None, None)])
def test_what_an_engine_runs_beside_the_stream_of_a_call_is_on_streams_of_ours(cuda, monkeypatch, bindings, beside):
    handles = itertools.count(40)
    monkeypatch.setattr(session, "bindings", lambda: bindings)
    stream = SimpleNamespace
    monkeypatch.setattr(session, "OwnStream", lambda device: stream(stream=stream(cuda_stream=next(handles))))
    engine = Engine((1, 8, 100))
    engine.num_aux_streams = 2
    called(session_of(engine))
    assert engine.contexts[0].beside == beside


def test_in_a_capture_no_context_is_made(cuda):
    engine = Engine((2, 4, 100), (1, 8, 300))
    made = session_of(engine)
    cuda.capturing = True
    with pytest.raises(EngineError, match=r"once in this thread before you capture it in a CUDA graph$"):
        called(made)
    cuda.capturing = False
    called(made)
    cuda.capturing, cuda.stream = True, 7
    assert called(made) == 4
    with pytest.raises(EngineError, match=r"CUDA graph, with sizes of the same profile$"):
        called(made, 8)
    assert [(size, stream) for (_, size), stream in engine.contexts[0].queued] == [(100, 5), (100, 7)]
    assert len(engine.contexts) == 1
