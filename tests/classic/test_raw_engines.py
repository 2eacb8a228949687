"""Engines that something else built, and the state dicts of the classic library.

TensorRT for RTX loads an engine on a GPU alone.  So the calling convention is tested with a recorder in the place of
``ICudaEngine``, which answers what TensorRT would and runs nothing; the tests marked gpu run engines.
"""

import copy
import pickle

import pytest
import torch
import torch2trt
from torch2trt import EngineError, InputError, TRTModule, load_engine, trt
from torch2trt.runtime import raw
from torch2trt.trt_module import classic_state_dict

MODEL = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
X = torch.randn(2, 4)


class RecordingEngine:
    """Answers what an ``ICudaEngine`` does of its tensors, and notes what it is asked; it cannot run.

    Args:
        tensors: name to (whether it is an input, dtype, shape, shapes of each profile).
    """

    def __init__(self, tensors, serialized=b"an engine", profiles=1):
        self.tensors, self.serialized, self.asked = tensors, serialized, []
        self.num_optimization_profiles = profiles
        self.num_io_tensors = len(tensors)

    def get_tensor_name(self, index):
        return list(self.tensors)[index]

    def get_tensor_mode(self, name):
        return trt.TensorIOMode.INPUT if self.tensors[name][0] else trt.TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name):
        return self.tensors[name][1]

    def get_tensor_shape(self, name):
        return self.tensors[name][2]

    def get_tensor_profile_shape(self, name, profile):
        self.asked.append((name, profile))
        return self.tensors[name][3][profile]

    def is_shape_inference_io(self, name):
        return False

    def serialize(self):
        return self.serialized


@pytest.fixture
def engine():
    return RecordingEngine(
        {
            "image": (True, trt.float32, (-1, 3, 8, 8), [[(1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8)]]),
            "size": (True, trt.int64, (2,), None),
            "boxes": (False, trt.float32, (-1, 4), None),
            "scores": (False, trt.float16, (-1,), None),
        }
    )


@pytest.fixture
def loads(engine, monkeypatch):
    """TensorRT loads ``engine``, whatever the bytes; gives the bytes that it was asked to load."""
    loaded = []
    monkeypatch.setattr(raw, "deserialized", lambda data: loaded.append(data) or engine)
    return loaded


def test_an_engine_is_called_by_the_names_of_its_tensors(engine):
    module = TRTModule(engine=engine, input_names=["size", "image"], output_names=["scores", "boxes"])
    assert (module.input_names, module.output_names) == (["size", "image"], ["scores", "boxes"])
    size, image = torch.tensor([8, 8]), torch.ones(3, 3, 8, 8)
    assert list(module.signature.flatten((size, image), {})) == ["size", "image"]
    assert list(module.signature.flatten((), {"image": image, "size": size})) == ["size", "image"]
    outputs = {"boxes": torch.ones(3, 4), "scores": torch.ones(3)}
    scores, boxes = module.signature.unflatten(outputs, {})
    assert (scores is outputs["scores"], boxes is outputs["boxes"]) == (True, True)
    assert engine.asked == [("image", 0)]
    with pytest.raises(InputError, match="input 'image' has size 5 in dimension 0, the engine was built for 1 to 4"):
        module(size, torch.ones(5, 3, 8, 8))
    with pytest.raises(InputError, match="input 'size' must be int64"):
        module(size.int(), image)


def test_an_engine_of_several_profiles_takes_the_sizes_of_each():
    profiles = [[(1, 1), (1, 8), (2, 16)], [(4, 1), (16, 1), (32, 1)]]
    engine = RecordingEngine(
        {"x": (True, trt.float32, (-1, -1), profiles), "y": (False, trt.float32, (-1, -1), None)}, profiles=2
    )
    module = TRTModule(engine)
    (spec,) = module.signature.inputs
    assert spec.ranges == ((1, 1, 32), (1, 8, 16))
    assert spec.profiles == (((1, 1, 2), (1, 8, 16)), ((4, 16, 32), (1, 1, 1)))
    for shape in ((2, 16), (32, 1)):
        module.signature.flatten((torch.ones(shape),), {})
    with pytest.raises(InputError, match="in none of the profiles"):
        module(torch.ones(3, 7))


def test_the_only_output_comes_alone(engine):
    module = TRTModule(engine, output_names=["boxes"])
    assert module.input_names == ["image", "size"]
    boxes = torch.ones(3, 4)
    assert module.signature.unflatten({"boxes": boxes, "scores": boxes}, {}) is boxes


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"input_names": ["image"]}, "the engine has the inputs image, size; input_names must be these, not"),
        ({"output_names": ["boxes", "labels"]}, "no outputs labels; it has boxes, scores"),
    ],
)
def test_other_names_are_refused(engine, names, message):
    with pytest.raises(EngineError, match=message):
        TRTModule(engine, **names)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, str, "path", "memory"])
def test_engines_are_given_as_bytes_as_a_path_or_as_what_a_build_returns(kind, loads, tmp_path):
    (tmp_path / "model.engine").write_bytes(b"raw")
    if kind == "memory":
        builder = trt.Builder(trt.Logger())
        network = builder.create_network()
        network.mark_output(network.add_identity(network.add_input("x", trt.float32, (1,))).get_output(0))
        source = builder.build_serialized_network(network, builder.create_builder_config())
        expected = bytes(source)
    else:
        path = tmp_path / "model.engine"
        source, expected = {str: str(path), "path": path}.get(kind) or kind(b"raw"), b"raw"
    assert load_engine(source, output_names=["boxes"]).output_names == ["boxes"]
    assert loads == [expected]


def test_names_beside_a_signature_are_refused(converted):
    with pytest.raises(EngineError, match="leave them out"):
        TRTModule(converted.engine, ["a"], signature=converted.signature)


def test_what_is_no_engine_is_refused():
    with pytest.raises(EngineError, match="an ICudaEngine, its bytes or the path of a file with them, got Linear"):
        TRTModule(torch.nn.Linear(1, 1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing where there is no GPU")
def test_without_a_gpu_an_engine_cannot_be_read(converted, tmp_path):
    with pytest.raises(EngineError, match="needs an NVIDIA GPU"):
        TRTModule(converted.engine, ["input_0"], ["output_0"])
    (tmp_path / "model.engine").write_bytes(b"raw")
    with pytest.raises(EngineError, match="needs an NVIDIA GPU"):
        load_engine(tmp_path / "model.engine")


class Subclass(TRTModule):
    """As programs extend the class."""

    def __init__(self, engine, input_names, output_names, final_shapes=None):
        super().__init__(engine, input_names, output_names)
        self.final_shapes = final_shapes

    def _named(self):
        return dict(zip(self.input_names, range(2), strict=True))


def test_subclasses_pickles_copies_and_files(engine, loads, tmp_path):
    module = Subclass(engine, ["image", "size"], ["boxes", "scores"], [(4,)])
    assert module._named() == {"image": 0, "size": 1}
    assert isinstance(module, TRTModule)
    module.save(tmp_path / "module.trt")
    for again in (TRTModule(engine), torch2trt.load(tmp_path / "module.trt")):
        assert (again.input_names, again.serialized) == (["image", "size"], b"an engine")
    copied = copy.deepcopy(module)
    assert (copied.final_shapes, copied.input_names) == ([(4,)], module.input_names)
    assert copied.serialized is module.serialized
    module = TRTModule(engine)
    assert pickle.loads(pickle.dumps(module)).output_names == ["boxes", "scores"]
    fresh = TRTModule()
    fresh.load_state_dict(module.state_dict())
    assert fresh.output_names == ["boxes", "scores"]


CLASSIC = {"engine": bytearray(b"raw"), "input_names": ["image", "size"], "output_names": ["boxes", "scores"]}


@pytest.mark.parametrize("weights_only", [True, False])
def test_a_state_dict_of_the_classic_library_loads(loads, tmp_path, weights_only):
    torch.save(CLASSIC, tmp_path / "model.pth")
    module = TRTModule()
    module.load_state_dict(torch.load(tmp_path / "model.pth", weights_only=weights_only))
    assert loads == [b"raw"]
    assert (module.input_names, module.output_names) == (["image", "size"], ["boxes", "scores"])
    assert isinstance(module.signature.unflatten(dict.fromkeys(module.output_names, X), {}), tuple)


def test_a_state_dict_with_flatteners_takes_and_returns_what_is_nested(loads):
    nested = {
        **CLASSIC,
        "input_flattener": {"schema": [{"image": 0, "name": None}, 1], "size": 2},
        "output_flattener": {"schema": {"boxes": 0, "rest": [None, 1]}, "size": 2},
    }
    holder = torch.nn.ModuleDict({"detector": TRTModule()})
    holder.load_state_dict({f"detector.{key}": value for key, value in nested.items()})
    signature = holder["detector"].signature
    given = ({"name": None, "image": torch.ones(1, 3, 8, 8)}, torch.tensor([8, 8]))
    assert list(signature.flatten(given, {})) == ["image", "size"]
    boxes, scores = torch.ones(1, 4), torch.ones(1)
    returned = signature.unflatten({"boxes": boxes, "scores": scores}, {})
    assert returned["boxes"] is boxes
    assert returned["rest"] == [None, scores]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_names": None}, "no engine with names of tensors"),
        ({"engine": 3.5}, "no engine with names of tensors"),
        ({"output_flattener": {"schema": [5]}}, "does not fit the engine's tensors"),
    ],
    ids=str,
)
def test_a_damaged_state_dict_is_refused_and_changes_nothing(loads, change, message):
    module = TRTModule()
    with pytest.raises(EngineError, match=message):
        module.load_state_dict({**CLASSIC, **change})
    assert module.signature is None


@pytest.fixture(scope="module")
def converted():
    return torch2trt.torch2trt(MODEL, [X], max_batch_size=4)


def test_a_converted_module_is_written_as_the_classic_library_wrote_it(converted, loads, tmp_path):
    written = classic_state_dict(converted)
    assert list(written) == ["engine", "input_names", "output_names", "input_flattener", "output_flattener"]
    assert written["input_flattener"] == {"schema": (0,), "size": 1}
    assert (written["input_names"], written["output_names"]) == (["input_0"], ["output_0"])
    assert bytes(written["engine"]) == converted.serialized
    converted.export_engine(tmp_path / "model.engine")
    assert (tmp_path / "model.engine").read_bytes() == converted.serialized


@pytest.mark.filterwarnings("ignore::torch2trt.Float64Warning")
def test_what_the_classic_module_does_not_do_is_not_written_in_its_form():
    wide = torch2trt.torch2trt(MODEL.double(), [X.double()], build=True)
    MODEL.float()
    with pytest.raises(EngineError, match="casts its inputs or outputs, which the classic library's does not"):
        classic_state_dict(wide)
    with pytest.raises(EngineError, match="convert with build=True"):
        classic_state_dict(torch2trt.torch2trt(MODEL, [X], build=False))


@pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU gives TensorRT's own engine")
def test_without_a_gpu_the_engine_has_its_bytes(converted):
    assert bytearray(converted.engine.serialize()) == converted.serialized
    with pytest.raises(EngineError, match="no engine on this machine"):
        _ = converted.context
    with pytest.raises(EngineError, match="no engine on this machine"):
        converted.enable_profiling()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU, and PyTorch sees none here")
def test_raw_engines_run(tmp_path):
    model, x = copy.deepcopy(MODEL).cuda(), X.cuda()
    made = torch2trt.torch2trt(model, [x], max_batch_size=4, input_names=["a"], output_names=["b"])
    made.export_engine(tmp_path / "model.engine")
    fresh = TRTModule()
    fresh.load_state_dict(classic_state_dict(made))
    for module in (
        load_engine(tmp_path / "model.engine", ["a"], ["b"]),
        TRTModule(made.engine, ["a"], ["b"]),
        TRTModule(made.engine.serialize()),
        fresh,
    ):
        for size in (1, 2, 4):
            given = torch.randn(size, 4, device="cuda")
            torch.testing.assert_close(module(given), model(given), rtol=1e-2, atol=1e-2)
        assert module.context.engine.num_io_tensors == 2
        module.enable_profiling()
        module(x)
