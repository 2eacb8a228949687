"""Where the buffers that a converted module writes go: copies, state dicts, files; and which there cannot be."""

import copy
import io
import pickle
import zipfile

import pytest
import torch
import torch2trt
from torch import nn
from torch2trt import CaptureError, EngineError, InputError, TRTModule, VerificationError, convert, converter, lib
from torch2trt.runtime.state import unpacked

from .packs import Pack, with_installed
from .test_state import REFERENCE, Keeping, counted

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
X = torch.ones(3)


class Two(nn.Module):
    """A buffer in state dicts and one that is in none, which begin with other values than 0."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Module()
        self.inner.register_buffer("total", torch.tensor([1.0, 2.0, 4.0]))
        self.register_buffer("count", torch.full((2, 2), 5, dtype=torch.uint8), persistent=False)
        self.register_buffer("read", torch.ones(3))

    def forward(self, x):
        self.inner.total += x
        self.count += 1
        return self.inner.total + self.read, self.count


def values(module):
    return [tensor.tolist() for tensor in module.buffers_written()]


FIRST = [[[5, 5], [5, 5]], [1.0, 2.0, 4.0]]
THIRD = [[[8, 8], [8, 8]], [4.0, 5.0, 7.0]]


def after_three_calls(**options):
    module = convert(Two().eval(), [X], runtime="reference", **options)
    for _ in range(3):
        module(X)
    assert values(module) == THIRD
    return module


def test_a_copy_has_state_of_its_own():
    module = after_three_calls(build=False)
    copied = copy.deepcopy(nn.Sequential(module))[0]
    assert values(copied) == THIRD
    copied(X)
    module.reset()
    assert values(module) == FIRST
    assert values(copied) == [[[9, 9], [9, 9]], [5.0, 6.0, 8.0]]
    copied.reset()
    assert values(copied) == FIRST


def test_a_pickled_module_goes_on_and_begins_again():
    loaded = pickle.loads(pickle.dumps(after_three_calls()))
    assert values(loaded) == THIRD
    assert [id(tensor) for tensor in loaded.buffers_written()] == [id(b) for b in loaded.state.buffers()]
    loaded.reset()
    assert values(loaded) == FIRST


def test_a_file_has_the_values_of_now_and_of_the_conversion(tmp_path):
    after_three_calls().save(tmp_path / "module.trt")
    loaded = torch2trt.load(tmp_path / "module.trt")
    assert values(loaded) == THIRD
    loaded.reset()
    assert values(loaded) == FIRST
    assert "buffers: count uint8[2, 2], inner.total float32[3]" in repr(loaded)


def test_a_state_dict_fills_an_empty_module():
    file = io.BytesIO()
    torch.save(after_three_calls().state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert sorted(state) == ["_extra_state", "state.inner.total"]
    loaded = TRTModule()
    loaded.load_state_dict(state)
    assert values(loaded) == [FIRST[0], THIRD[1]]  # the other is in no state dict
    loaded.reset()
    assert values(loaded) == FIRST


def test_a_state_dict_leaves_other_buffers_as_they_are():
    state, module = after_three_calls().state_dict(), after_three_calls()
    module(X)
    before = module.buffers_written()
    module.load_state_dict(state)
    assert values(module) == [[[9, 9], [9, 9]], THIRD[1]]
    assert all(one is other for one, other in zip(before, module.buffers_written(), strict=True))


@pytest.mark.parametrize(
    "tensor", [torch.zeros(70, 10), torch.tensor(float("nan")), torch.ones(3, 0), torch.randn(2, 3)]
)
def test_equal_values_take_no_room_in_a_file(tensor):
    model = Keeping(lambda model, x: model.buffer.add_(0) + x, tensor)
    module = convert(model.eval(), [torch.ones(1)], **REFERENCE)
    packed = b"".join(module._state.packed())
    assert len(packed) == 2 * (1 + 4 * (1 if tensor.numel() == 700 else tensor.numel()))
    loaded = unpacked(module.signature, packed, "there")
    for one in (*loaded.tensors(), *loaded._first):
        torch.testing.assert_close(one, tensor, equal_nan=True)
    for damaged in (packed[:-1], packed + b"\0", b"\2" + packed[1:], b""):
        with pytest.raises(EngineError, match="values of the buffers in there are damaged"):
            unpacked(module.signature, damaged, "there")


def test_a_file_without_its_values_is_refused(tmp_path):
    path = tmp_path / "module.trt"
    after_three_calls().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(members) == ["engine", "manifest.json", "state"]
    del members["state"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(EngineError, match=r"buffers in '.*module.trt' are damaged"):
        torch2trt.load(path)


def test_state_that_no_longer_fits_is_named():
    module = convert(Keeping(counted, torch.zeros(3)).eval(), [X], **REFERENCE)
    with pytest.raises(InputError, match=r"buffer 'buffer' must be float32, got float16; convert it with .to\("):
        module.half()(X)
    module.float()
    module.state.buffer = torch.zeros(4)
    with pytest.raises(InputError, match="buffer 'buffer' has size 4 in dimension 0"):
        module(X)
    module.state.buffer = X
    with pytest.raises(InputError, match="changes its buffer 'buffer', and input 'inputs_0' has memory in common"):
        module(X)
    with pytest.raises(InputError, match="buffer 'buffer' is on meta and the inputs on cpu; move the module"):
        module.to("meta")(X)


def shared():
    model = Two()
    model.register_buffer("part", model.inner.total[:2])
    return model


def replaced(make):
    def step(model, x):
        model.buffer = make(model.buffer, x)
        return x

    return Keeping(step, torch.zeros(3))


def parametrized():
    model = Keeping(lambda model, x: model.weight.add_(x) + 1, torch.zeros(3))
    model.weight = nn.Parameter(torch.zeros(3), requires_grad=False)
    return model


@pytest.mark.parametrize("precision", [None, torch.float16])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (shared, "its '(inner.total|part)' and '(inner.total|part)' have memory in common"),
        (parametrized, "changes its parameter 'weight'.*register_buffer"),
        (lambda: replaced(lambda old, x: x.sum()), r"replaces its buffer 'buffer', float32\[3\], by float32\[\]"),
        (lambda: replaced(lambda old, x: torch.cat([old, x])), r"by float32\[6\] when it is called"),
        (lambda: replaced(lambda old, x: x > 0), r"by bool\[3\] when it is called"),
        (lambda: Keeping(counted, torch.zeros(3, dtype=torch.int16)), "changes its buffer 'buffer'.*no int16"),
    ],
)
def test_what_no_module_can_keep(make, message, precision):
    if precision is not None:  # in which shapes alone are the model's own
        message = message.replace("float32", "float(16|32)")
    with pytest.raises(CaptureError, match=f"(?s){message}"):
        torch2trt.explain(make().eval(), [X], precision=precision)


def test_an_input_that_is_a_buffer():
    model = Keeping(counted, torch.zeros(3)).eval()
    with pytest.raises(CaptureError, match=r"changes its buffer 'buffer'.*with the model's own tensors.*clone"):
        convert(model, [model.buffer], **REFERENCE)


def test_wrong_state_is_found():
    @converter("aten.add.Tensor")
    def add(ctx, input, other, alpha=1):
        return lib.add(ctx, input, 2)

    model = Keeping(lambda model, x: (model.buffer.add_(1), x * 2)[1], torch.zeros(3)).eval()
    packs = with_installed(Pack(add))
    with pytest.raises(VerificationError, match=r"test_wrong_state_is_found.<locals>.add"):
        convert(model, [X], packs=packs, verify=True, **REFERENCE)
    assert not torch2trt.compare(model, convert(model, [X], packs=packs, **REFERENCE), [X]).agrees


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(3))

    def forward(self, x):
        return x * self.scale


class Growing(Scaled):
    def forward(self, x):
        self.scale = self.scale + 1
        return x * self.scale


class Outer(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.inner = kind()

    def forward(self, x):
        if type(self.inner) is Scaled:
            self.inner.scale += 1
        return self.inner(x)


@pytest.mark.parametrize("precision", [None, torch.float16])
@pytest.mark.parametrize(("kind", "reason"), [(Scaled, "its scale is no constant"), (Growing, "it writes its scale")])
def test_a_module_whose_buffers_vary_is_not_kept_whole(kind, reason, precision):
    @converter(kind.forward)
    def scaled(ctx, module, x):
        return lib.mul(ctx, x, module.scale)

    model = Outer(kind).eval()
    module = convert(model, [X], packs=with_installed(Pack(scaled)), precision=precision, **REFERENCE)
    assert any(reason in text for planned in module.lowered.plan for text in planned.reasons)
    for _ in range(3):
        torch.testing.assert_close(module(X), model(X))
    constant = Scaled().eval()
    plan = torch2trt.explain(constant, [X], packs=with_installed(Pack(scaled)), precision=precision)
    assert kind is Growing or [planned.converter.name for planned in plan if planned.call.target.level == "module"]
