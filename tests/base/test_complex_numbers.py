"""Complex numbers and Fourier transforms, which the pack rewrites before anything is planned."""

import pytest
import torch
import torch2trt
from torch2trt.testing import parametrize

from . import complex_numbers, fourier

X, Z = torch.randn(2, 4), torch.randn(2, 4, dtype=torch.complex64)


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@parametrize(complex_numbers.CASES, pack="base")
def test_complex_numbers(check):
    check()


@parametrize(fourier.CASES, pack="base")
def test_fourier(check):
    check()


def on_interpreter(model, *inputs, **options):
    return torch2trt.convert(model, list(inputs), runtime="reference", build=False, **options)


def calls(model, *inputs):
    plan = torch2trt.explain(model, list(inputs))
    return [planned.call.target.name.split(".")[1] for planned in plan if planned.action != "fold"]


def test_parts_are_looked_at_where_they_stand():
    assert calls(lambda x: torch.complex(x, x.exp()).imag, X) == ["exp"]
    assert calls(lambda z: torch.view_as_real(z), Z) == []
    assert calls(lambda x: torch.fft.rfft(x).real, X) == ["matmul", "slice"]


def test_a_call_without_a_rule_is_refused_by_name():
    with pytest.raises(torch2trt.UnsupportedError, match=r"aten\.tanh\.default\(complex64\[2, 4\]\)(.|\n)*no rule"):
        on_interpreter(lambda z: (z * 2).tanh().real, Z)
    with pytest.raises(torch2trt.UnsupportedError, match=r"aten\.var\.correction"):
        on_interpreter(lambda z: z.std(), Z)


def test_a_call_without_a_rule_may_be_constant():
    module = on_interpreter(lambda z: z * torch.tensor([1j, 2.0]).tanh().prod(), Z)
    torch.testing.assert_close(module(Z), Z * torch.tensor([1j, 2.0]).tanh().prod())


def test_a_length_that_varies_is_refused():
    shapes = ({0: torch.export.Dim("n", min=2, max=9)},)
    plan = torch2trt.explain(lambda x: torch.fft.rfft(x, dim=0).abs(), [X], dynamic_shapes=shapes)
    assert any("static lengths" in reason for planned in plan for reason in planned.reasons)


def test_double_precision_is_refused_at_the_border():
    with pytest.warns(torch2trt.Float64Warning), pytest.raises(torch2trt.Torch2TRTError, match=r"complex64"):
        on_interpreter(lambda z: z + z, Z.to(torch.complex128))


def test_double_precision_inside_is_pairs_of_float32():
    def turned(x):
        return (torch.polar(torch.ones_like(x, dtype=torch.float64), x.double()) * x).real.float()

    with pytest.warns(torch2trt.Float64Warning):
        module = on_interpreter(turned, X)
    torch.testing.assert_close(module(X), turned(X))


def test_double_precision_comes_out_as_such(tmp_path):
    with pytest.warns(torch2trt.Float64Warning):
        module = torch2trt.convert(lambda x: torch.fft.rfft(x.double()), [X], runtime="reference")
    assert module(X).dtype is torch.complex128
    module.save(tmp_path / "module.trt")
    loaded = torch2trt.load(tmp_path / "module.trt").signature
    assert [(leaf.kind, leaf.dtype) for leaf in loaded.output_leaves] == [("complex", "complex128")]


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_half_precision_is_pairs_of_float16():
    half = Z.to(torch.complex32)
    assert on_interpreter(lambda z: z * 2, half)(half).dtype is torch.complex32


class TestBorder:
    """What is complex outside is pairs inside."""

    @pytest.fixture
    def module(self):
        return on_interpreter(lambda z, x: {"product": z * x, "abs": z.abs()}, Z, X)

    def test_a_conjugate_is_taken(self, module):
        torch.testing.assert_close(module(Z.conj(), X)["product"], Z.conj() * X)

    def test_a_view_is_taken(self, module):
        z = torch.randn(4, 2, dtype=torch.complex64).T
        torch.testing.assert_close(module(z, X)["product"], z * X)

    @pytest.mark.parametrize("example", [torch.view_as_complex(torch.randn(2, 4, 2)), Z.conj(), Z[:, ::2]])
    def test_an_example_may_be_a_view(self, example):
        torch.testing.assert_close(on_interpreter(lambda z: z * 2j, example)(example), example * 2j)

    def test_real_numbers_are_refused(self, module):
        with pytest.raises(torch2trt.InputError, match=r"'z' must be a complex tensor; .*\.to\(torch\.complex64\)"):
            module(X, X)
        with pytest.raises(torch2trt.InputError, match="'x' must be float32, got complex64"):
            module(Z, Z)

    def test_another_shape_is_refused(self, module):
        with pytest.raises(torch2trt.InputError, match="'z' has size 3 in dimension 0"):
            module(torch.randn(3, 4, dtype=torch.complex64), X)

    def test_the_engine_has_pairs(self, module):
        assert [str(spec) for spec in module.signature.inputs] == ["z float32[2, 4, 2]", "x float32[2, 4]"]

    def test_a_change_in_place_is_refused(self):
        with pytest.raises(torch2trt.CaptureError, match="changes its complex input 'z' in place"):
            on_interpreter(lambda z: z.mul_(2), Z)

    def test_it_is_saved_and_verified(self):
        module = torch2trt.convert(lambda z: (z * 1j, z), [Z], runtime="reference", verify=True)
        kinds = [leaf["kind"] for leaf in module.manifest()["signature"]["output_leaves"]]
        assert kinds == ["complex", "complex"]
        assert torch2trt.compare(lambda z: (z * 1j, z), module, [Z]).agrees

    def test_an_exported_program_is_taken(self):
        class Model(torch.nn.Module):
            def forward(self, z):
                return z.conj() * 2

        exported = torch.export.export(Model(), (Z,))
        torch.testing.assert_close(on_interpreter(exported, Z)(Z), Z.conj() * 2)


def test_buffers_may_be_conjugates_and_have_gradients():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(4, dtype=torch.complex64))
            self.register_buffer("turn", torch.randn(4, dtype=torch.complex64).conj())

        def forward(self, x):
            return (x * self.weight * self.turn).real

    model = Model()
    torch.testing.assert_close(on_interpreter(model, X)(X), model(X))
