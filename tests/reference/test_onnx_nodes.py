"""ONNX's operator tests: all pass but those listed, each for a reason that is not the interpreter's."""

from __future__ import annotations

import onnx_suite
import pytest

pytestmark = pytest.mark.slow

PARSER_DROPS_INPUTS = "the parser drops inputs or attributes of Attention (nonpad_kv_seqlen, window sizes)"
NO_SATURATE = "the parser drops saturate=0: TensorRT's cast to fp8 saturates"
LAYOUT = "the parser ignores layout=1 and declares another shape"
CEIL = "the parser's ceil mode keeps a window that starts in the padding; TensorRT infers that shape"
UINT8 = "the parser quantizes to INT8 where ONNX wants uint8"
TRILU = "the parser takes Trilu without `upper` for the lower triangle"
CRD = "the parser imports SpaceToDepth mode CRD as DCR"
ALIGNED = "TensorRT documents extents in ALIGN_CORNERS, ONNX's extent is the unrounded extent * scale"
ORDER = "TensorRT orders boxes by score in each batch item, ONNX by class first"
ROUNDING = "sums of 16 terms of size 1,000 that cancel: fp32 leaves 2e-4, ONNX's tolerance is 1e-5"
NO_KEY = "attention to no key is NaN in TensorRT and so here; ONNX expects 0"
NAN_TO_FP4 = "e2m1 has no NaN: 6 here, as CUDA's saturating conversion gives; ONNX expects -0"

#: what does not pass; a test that is missing from or too much in this list fails here
EXPECTED = {
    "test_attention_4d_gqa_causal_nonpad_decode": PARSER_DROPS_INPUTS,
    "test_attention_4d_gqa_causal_nonpad_decode_fp16": PARSER_DROPS_INPUTS,
    "test_attention_4d_causal_nonpad_continued_prefill": PARSER_DROPS_INPUTS,
    "test_attention_4d_causal_nonpad_negative_offset_structural_empty": PARSER_DROPS_INPUTS,
    "test_attention_4d_causal_nonpad_batch_prefill": PARSER_DROPS_INPUTS,
    "test_attention_local_window": PARSER_DROPS_INPUTS,
    "test_attention_bidirectional_window": PARSER_DROPS_INPUTS,
    "test_attention_23_boolmask_fullymasked_row_nan_robustness": NO_KEY,
    "test_averagepool_2d_ceil_last_window_starts_on_pad": CEIL,
    "test_maxpool_2d_ceil_output_size_reduce_by_one": CEIL,
    "test_cast_no_saturate_FLOAT_to_FLOAT8E4M3FN": NO_SATURATE,
    "test_cast_no_saturate_FLOAT16_to_FLOAT8E4M3FN": NO_SATURATE,
    "test_castlike_no_saturate_FLOAT_to_FLOAT8E4M3FN": NO_SATURATE,
    "test_castlike_no_saturate_FLOAT_to_FLOAT8E4M3FN_expanded": NO_SATURATE,
    "test_castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FN": NO_SATURATE,
    "test_castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FN_expanded": NO_SATURATE,
    "test_cast_FLOAT_to_FLOAT4E2M1": NAN_TO_FP4,
    "test_cast_FLOAT16_to_FLOAT4E2M1": NAN_TO_FP4,
    "test_castlike_FLOAT_to_FLOAT4E2M1": NAN_TO_FP4,
    "test_castlike_FLOAT_to_FLOAT4E2M1_expanded": NAN_TO_FP4,
    "test_castlike_FLOAT16_to_FLOAT4E2M1": NAN_TO_FP4,
    "test_castlike_FLOAT16_to_FLOAT4E2M1_expanded": NAN_TO_FP4,
    "test_gru_batchwise": LAYOUT,
    "test_lstm_batchwise": LAYOUT,
    "test_simple_rnn_batchwise": LAYOUT,
    "test_nonmaxsuppression_two_classes": ORDER,
    "test_quantizelinear": UINT8,
    "test_quantizelinear_axis": UINT8,
    "test_quantizelinear_blocked_asymmetric": UINT8,
    "test_resize_downsample_scales_linear_align_corners": ALIGNED,
    "test_resize_downsample_scales_cubic_align_corners": ALIGNED,
    "test_spacetodepth_crd_mode_example": CRD,
    "test_stft": ROUNDING,
    "test_stft_with_window": ROUNDING,
    "test_triu": TRILU,
    "test_triu_neg": TRILU,
    "test_triu_out_neg_out": TRILU,
    "test_triu_pos": TRILU,
    "test_triu_out_pos": TRILU,
    "test_triu_square": TRILU,
    "test_triu_square_neg": TRILU,
    "test_triu_one_row": TRILU,
}
#: how many the parser of TensorRT for RTX 1.6 takes of onnx 1.23's; fewer means that the suite lost tests
LEAST_PARSED = 1160


@pytest.fixture(scope="module")
def results():
    runner = onnx_suite.Runner()
    outcomes = {}
    for test in onnx_suite.load():
        try:
            outcomes[test.name] = runner.check(test)
        except Exception as error:
            outcomes[test.name] = f"{type(error).__name__}: {error}"
    return {name: outcome for name, outcome in outcomes.items() if outcome != "unparsed"}


def test_the_suite_is_whole(results):
    assert len(results) >= LEAST_PARSED


def test_all_pass_but_the_listed(results):
    failed = {name: reason for name, reason in results.items() if reason is not None and name not in EXPECTED}
    assert not failed


def test_what_is_listed_still_fails(results):
    assert not [name for name in EXPECTED if name in results and results[name] is None]
