"""The backend "torch2trt" of transformers.exporters."""

import pytest
import torch
import torch2trt
import transformers
from torch.export import Dim
from torch2trt import TRTModule

from .models import make

exporters = pytest.importorskip("transformers.exporters", reason="this transformers has no exporters")
if not hasattr(exporters.auto, "register_backend"):
    pytest.skip("the exporters of this transformers take no others beside them", allow_module_level=True)
from torch2trt_generation.exporter import TRTConfig, TRTExporter  # noqa: E402

SETTINGS = {"runtime": "reference"}
SIZES = {"vocab_size": 60, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
BATCH = Dim("batch", min=1, max=4)


def ids(batch, length=5):
    return {"input_ids": torch.randint(60, (batch, length), generator=torch.Generator().manual_seed(batch))}


@pytest.fixture(scope="module")
def bert():
    torch.manual_seed(0)
    model = transformers.BertModel(transformers.BertConfig(**SIZES)).eval()
    config = {"export_format": "torch2trt", "dynamic_shapes": {"input_ids": {0: BATCH}}, "settings": SETTINGS}
    exporter = exporters.AutoHfExporter.from_config(config)
    return model, exporter.export(model, ids(2), exporters.AutoExportConfig.from_dict(config))


def test_a_model_is_exported_by_the_name_of_the_backend(bert):
    model, exported = bert
    assert isinstance(exported.program, TRTModule)
    assert (exported.device, exported.dtype) == (torch.device("cpu"), torch.float32)
    for batch in (1, 4):
        with torch.no_grad():
            expected = model(**ids(batch))
        actual = exported(**ids(batch))
        assert type(actual) is type(expected)
        for name in expected:
            torch.testing.assert_close(actual[name], expected[name], rtol=1e-3, atol=1e-4)
    with pytest.raises(torch2trt.InputError, match="input_ids"):
        exported(**ids(5))


def test_files(bert, tmp_path):
    _, exported = bert
    exported.save_pretrained(tmp_path)
    loaded = exporters.ExportedModel.from_pretrained(tmp_path)
    assert str(loaded.program.signature) == str(exported.program.signature)
    assert (tmp_path / "model.trt").exists()


def test_parts_of_a_decoder():
    model = make("gpt2")
    exported = TRTExporter().export_for_generation(
        model,
        ids(1),
        TRTConfig(settings={**SETTINGS, "build": False}),
        generation_config=transformers.GenerationConfig(max_new_tokens=2, do_sample=False),
    )
    assert {*exported.components} == {"prefill", "decode"}
    with torch.no_grad():
        expected = model(**ids(1)).logits
    cache = transformers.DynamicCache(config=model.config)
    actual = exported.runners["prefill"](**ids(1), position_ids=torch.arange(5)[None], cache=cache)
    torch.testing.assert_close(actual.logits[:, -1:], expected[:, -1:], rtol=1e-3, atol=1e-3)
