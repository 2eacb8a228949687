"""For each of 21 public consumers of the classic library a program that makes its calls, on a small model.

The programs are written for these tests: the constructors, keywords, loading and saving are those that the consumers
have, the models stand in.  Where there is no GPU, modules that were loaded are not called.
"""

import pytest
import torch
import torch2trt as package
from torch2trt import TRTModule, torch2trt, trt

pytestmark = pytest.mark.filterwarnings("ignore::torch2trt.ReferenceRuntimeWarning")
GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"


class Net(torch.nn.Module):
    """An image to one feature map, or to several."""

    def __init__(self, outputs=1):
        super().__init__()
        self.conv, self.outputs = torch.nn.Conv2d(3, 4, 3, padding=1), outputs

    def forward(self, image):
        x = self.conv(image).relu()
        return x if self.outputs == 1 else tuple(x * (index + 1) for index in range(self.outputs))


def net(outputs=1):
    return Net(outputs).to(DEVICE).eval()


def image(batch=1):
    return torch.randn(batch, 3, 8, 8, device=DEVICE)


def agree(model_trt, model, *inputs, tolerance=1e-2):
    torch.testing.assert_close(model_trt(*inputs), model(*inputs), rtol=tolerance, atol=tolerance)


def save_and_load(model_trt, path, model, *inputs):
    """What nearly all of them do with a converted module."""
    torch.save(model_trt.state_dict(), path)
    loaded = TRTModule()
    loaded.load_state_dict(torch.load(path))
    assert loaded.input_names == model_trt.input_names
    if GPU:
        agree(loaded, model, *inputs)
    return loaded


def pose(path):
    model, data = net(2), torch.zeros((1, 3, 8, 8), device=DEVICE)
    model_trt = package.torch2trt(model, [data], fp16_mode=True, max_workspace_size=1 << 25)
    save_and_load(model_trt, path, model, data)
    agree(model_trt, model, image())


def jetbot(path):
    model, data = net().half() if GPU else net(), image()
    data = data.half() if GPU else data
    model_trt = torch2trt(model, [data], fp16_mode=True)
    save_and_load(model_trt, path, model, data)


def ros_classification(path):
    model, data = net(), torch.ones((1, 3, 8, 8), device=DEVICE)
    agree(torch2trt(model, [data], fp16_mode=True), model, data)
    save_and_load(torch2trt(model, [data]), path, model, data)


def bot_sort(path):
    torch.save(torch2trt(net(), [image()]).state_dict(), path)
    model_trt = TRTModule()
    model_trt.load_state_dict(torch.load(path))
    assert model_trt.eval() is model_trt
    model_trt.to(DEVICE)


def containers(path):
    model, data = net(), image()
    model_trt = torch2trt(model, [data])
    agree(model_trt, model, data)
    assert torch.max(torch.abs(model(data) - model_trt(data))) < 1e-2


def yolox(path):
    model, x = net(), torch.ones(1, 3, 8, 8, device=DEVICE)
    model_trt = torch2trt(
        model, [x], fp16_mode=True, log_level=trt.Logger.INFO, max_workspace_size=(1 << 32), max_batch_size=1
    )
    save_and_load(model_trt, path, model, x)
    engine_file = path.with_suffix(".engine")
    with open(engine_file, "wb") as file:
        file.write(model_trt.engine.serialize())
    assert len(engine_file.read_bytes()) > 1000
    # programs in other languages look tensors up by these names
    assert (model_trt.input_names, model_trt.output_names) == (["input_0"], ["output_0"])


def byte_track(path):
    model, x = net(), torch.ones(1, 3, 8, 8, device=DEVICE)
    model_trt = torch2trt(model, [x], fp16_mode=True, log_level=trt.Logger.INFO, max_workspace_size=(1 << 32))
    save_and_load(model_trt, path, model, x)
    path.with_suffix(".engine").write_bytes(model_trt.engine.serialize())


def owned_engine(path, inputs, outputs):
    """An engine that another program built, loaded through TensorRT and wrapped by the names of its tensors."""
    tensors = {"image": torch.randn(1, 3, 8, 8, device=DEVICE)} if len(inputs) == 1 else None

    class Named(torch.nn.Module):
        def forward(self, *given):
            total = sum(tensor.sum() for tensor in given)
            return tuple(total * (index + 1) for index in range(len(outputs)))

    given = [tensors["image"]] if tensors else [torch.randn(1, 4, device=DEVICE) for _ in inputs]
    path.write_bytes(torch2trt(Named(), given, input_names=inputs, output_names=outputs).serialized)
    if not GPU:
        from .test_raw_engines import RecordingEngine

        described = {name: (True, trt.float32, tuple(t.shape), None) for name, t in zip(inputs, given, strict=True)}
        engine = RecordingEngine({**described, **dict.fromkeys(outputs, (False, trt.float32, (), None))})
    else:
        with trt.Logger() as logger, trt.Runtime(logger) as runtime:
            engine = runtime.deserialize_cuda_engine(path.read_bytes())
    module = TRTModule(engine=engine, input_names=inputs, output_names=outputs)
    assert (module.input_names, module.output_names) == (inputs, outputs)
    if GPU:
        torch.testing.assert_close(module(*given)[0], Named()(*given)[0], rtol=1e-2, atol=1e-2)


def nanoowl(path):
    outputs = ["image_embeds", "image_class_embeds", "logit_shift", "logit_scale", "pred_boxes"]
    owned_engine(path, ["image"], outputs)


def nanosam(path):
    inputs = ["image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input"]
    owned_engine(path, inputs, ["iou_predictions", "low_res_masks"])


class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = torch.nn.Linear(8, 8)

    def forward(self, x, xa, mask):
        return self.attend(x) @ xa.transpose(1, 2) @ xa + mask[: x.shape[1], : x.shape[1]].sum()


def whisper(path, **keywords):
    model = Decoder().to(DEVICE).eval()
    x, xa, mask = (torch.randn(*shape, device=DEVICE) for shape in ((1, 1, 8), (1, 6, 8), (5, 5)))
    engine = package.torch2trt(
        model,
        [x, xa, mask],
        use_onnx=True,
        min_shapes=[(1, 1, 8), (1, 1, 8), (5, 5)],
        opt_shapes=[(1, 1, 8), (1, 6, 8), (5, 5)],
        max_shapes=[(1, 5, 8), (1, 6, 8), (5, 5)],
        input_names=["x", "xa", "mask"],
        output_names=["output"],
        max_workspace_size=1 << 30,
        fp16_mode=False,
        log_level=trt.Logger.ERROR,
        **keywords,
    )
    for length in (1, 5):
        given = torch.randn(1, length, 8, device=DEVICE)
        agree(engine, model, given, xa[:, :3], mask)
    torch.save({"text_decoder_engine": engine.state_dict(), "dims": {"n_text_ctx": 5}}, path)
    checkpoint = torch.load(path)
    loaded = package.TRTModule()
    loaded.load_state_dict(checkpoint["text_decoder_engine"])
    assert loaded.input_names == ["x", "xa", "mask"]


def wyoming(path):
    whisper(path, int8_mode=False, int8_calib_dataset=None)


def clip(path):
    model, data = net(), image()
    model_trt = package.torch2trt(
        model, [data], fp16_mode=True, use_onnx=True, log_level=trt.Logger.VERBOSE, max_workspace_size=(1024**3) * 3
    )
    assert isinstance(model_trt, package.TRTModule)
    agree(model_trt, model, data)
    save_and_load(model_trt, path, model, data)


def yolact(path):
    from functools import partial

    from torch2trt.torch2trt import torch2trt as convert

    trt_fn = partial(convert, strict_type_constraints=True)
    model, x = net(), torch.ones((1, 3, 8, 8), device=DEVICE)
    save_and_load(trt_fn(model, [x], fp16_mode=True), path, model, x)


RUN = {
    "jetbot": jetbot,
    "jetracer": jetbot,
    "trt_pose": pose,
    "trt_pose_hand": pose,
    "ros2_trt_pose": pose,
    "ros2_trt_pose_hand": pose,
    "ros2_torch_trt": ros_classification,
    "ros2_torch2trt_examples": ros_classification,
    "BoT-SORT": bot_sort,
    "jetson-containers": containers,
    "YOLOX": yolox,
    "ByteTrack": byte_track,
    "OC_SORT": byte_track,
    "whisper_trt": whisper,
    "wyoming-whisper-trt": wyoming,
    "clip_trt": clip,
    "yolact_edge": yolact,
}


@pytest.mark.parametrize("consumer", RUN)
def test_a_consumer_runs_as_it_is(consumer, tmp_path):
    RUN[consumer](tmp_path / "model_trt.pth")


@pytest.mark.parametrize("consumer", [nanoowl, nanosam])
def test_a_consumer_of_engines_from_elsewhere_runs_as_it_is(consumer, tmp_path):
    consumer(tmp_path / "image_encoder.engine")


@pytest.mark.parametrize("consumer", ["jetnet", "arachne"])
def test_a_consumer_that_chooses_a_calibrator_is_told_what_to_do(consumer):
    # the enum itself is gone from TensorRT for RTX, where a program that names it stops with an AttributeError
    from torch2trt.dataset import ListDataset

    model, x = net(), image()
    keywords = {"fp16_mode": False, "int8_mode": True, "int8_calib_dataset": ListDataset([[x]])}
    with pytest.raises(package.InputError, match="TensorRT no longer has calibrators; leave it out"):
        torch2trt(model, [x], **keywords, int8_calib_algorithm="ENTROPY_CALIBRATION_2")
    agree(torch2trt(model, [x], **keywords), model, x, tolerance=5e-2)


def test_the_21_consumers_are_all_here():
    assert len(RUN) + 2 + 2 == 21
