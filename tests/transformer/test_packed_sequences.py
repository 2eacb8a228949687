"""Packed sequences: eager's results for every lengths, whatever lies between packing and unpacking."""

import itertools
import threading

import pytest
import torch
from torch import nn
from torch.export import Dim
from torch.nn.utils import rnn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torch2trt import CaptureError, Packs, UnsupportedError, convert, converter, explain, hookimpl

X, LENGTHS = torch.randn(3, 6, 4), torch.tensor([2, 6, 3])


def packed(x, lengths):
    return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)


def padded(sequence, x):
    return pad_packed_sequence(sequence, batch_first=True, total_length=x.shape[1])


class Model(nn.Module):
    """A function of a layer, or of several, and of the inputs."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x, lengths):
        return self.function(x, lengths, *self.layers)


def holds(model, examples, dynamic_shapes=None):
    """Whether what the first example gave computes what eager does for all."""
    model, examples = model.eval(), list(examples)
    module = convert(model, examples[0], dynamic_shapes=dynamic_shapes, runtime="reference", build=False)
    for example in examples:
        torch.testing.assert_close(module(*example), model(*example))


def test_all_lengths_at_every_size():
    def function(x, lengths, lstm):
        outputs, state = lstm(packed(x, lengths))
        return *pad_packed_sequence(outputs, True, padding_value=-7.0, total_length=x.shape[1]), state

    every = [torch.tensor(lengths) for lengths in itertools.product(range(1, 4), repeat=2)]
    larger = [torch.randint(1, size + 1, (size,)) for size in (1, 5, 8)]
    examples = [[torch.randn(2, 3, 4), lengths] for lengths in every]
    examples += [[torch.randn(len(lengths), len(lengths), 4), lengths] for lengths in larger]
    sizes = {0: Dim("n", max=8), 1: Dim("s", max=8)}
    model = Model(function, nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True, dropout=0.5))
    holds(model, examples, (sizes, {0: sizes[0]}))


def test_sorted_sequences_with_the_steps_first_and_more_room():
    def function(x, lengths, gru):
        outputs, state = gru(pack_padded_sequence(x.transpose(0, 1), lengths.cpu()))
        return pad_packed_sequence(outputs, total_length=9), state

    sorted_lengths = (LENGTHS.sort(descending=True).values, torch.tensor([5, 5, 1]))
    holds(Model(function, nn.GRU(4, 3)), [[X, lengths] for lengths in sorted_lengths])


def test_what_is_computed_of_the_rows_between_layers():
    def function(tokens, lengths, embedding, first, norm, second):
        rows = packed(tokens, lengths)
        rows, _ = first(PackedSequence(embedding(rows.data), *rows[1:]))
        rows = rows._replace(data=torch.relu(norm(rows.data)))
        mean = rows.data.mean(0)
        outputs, state = second(rows)
        return padded(outputs, tokens), state, mean, rows.batch_sizes.sum()

    layers = nn.Embedding(9, 4), nn.LSTM(4, 3, bidirectional=True), nn.LayerNorm(6), nn.GRU(6, 2)
    tokens = torch.randint(9, (3, 6))
    holds(Model(function, *layers), [[tokens, n.int()] for n in (LENGTHS, torch.tensor([4, 1, 4]))])


def test_a_length_that_only_the_run_knows_may_be_reduced():
    def function(x, lengths, layer):
        outputs, count = pad_packed_sequence(layer(packed(x, lengths))[0], batch_first=True)
        return outputs.mean(1), outputs.amax(1), torch.tanh(outputs).sum(1), count

    holds(Model(function, nn.RNN(4, 3, batch_first=True)), [[X, n] for n in (LENGTHS, torch.tensor([1, 3, 4]))])


def test_constant_lengths_need_no_total_length():
    def function(x, _, lstm):
        outputs, state = lstm(packed(x, [2, 5, 3]))
        return *pad_packed_sequence(outputs, batch_first=True), state, pad_packed_sequence(packed(x, (6, 1, 6)), True)

    holds(Model(function, nn.LSTM(4, 3, bidirectional=True)), [[X, LENGTHS], [X + 1, LENGTHS]])


def test_lengths_as_a_list():
    def function(x, lengths, gru):
        return gru(packed(x, [*lengths.tolist()[:2], x.shape[1]]))[1]

    examples = [[X, LENGTHS], [torch.randn(3, 4, 4), torch.tensor([4, 1, 2])]]
    holds(Model(function, nn.GRU(4, 3)), examples, ({1: Dim("s", max=8)}, None))


class Own(nn.LSTM):
    """A layer that packs in a method of its own."""

    def forward(self, x, lengths):
        outputs, state = super().forward(packed(x, lengths))
        return padded(outputs, x)[0], state


def test_layers_of_a_class_of_their_own_and_those_that_no_module_names():
    lone = [nn.GRU(4, 3)]
    examples = [[X, LENGTHS], [X, torch.tensor([1, 2, 6])]]
    holds(Own(4, 3, bidirectional=True), examples)
    holds(Model(lambda x, lengths: lone[0](packed(x, lengths))[1]), examples)


def test_sequences_of_a_list():
    def function(x, y, lstm):
        return lstm(rnn.pack_sequence([x, y], enforce_sorted=False))[1]

    holds(Model(function, nn.LSTM(4, 3)), [[torch.randn(3, 4), torch.randn(5, 4)]])


def test_in_another_precision():
    model = Model(lambda x, lengths, gru: gru(packed(x, lengths))[1], nn.GRU(4, 3, bidirectional=True)).eval()
    module = convert(model, [X, LENGTHS], precision=torch.float16, runtime="reference", build=False)
    torch.testing.assert_close(module(X, LENGTHS), model(X, LENGTHS), atol=5e-3, rtol=5e-3)


def test_lengths_that_eager_refuses_are_those_of_no_and_of_all_steps():
    model = Model(lambda x, lengths, gru: gru(packed(x, lengths))[1][0], nn.GRU(4, 3)).eval()
    module = convert(model, [X, LENGTHS], runtime="reference", build=False)
    given = torch.tensor([0, 9, 3])
    with pytest.raises(RuntimeError, match="greater than 0"):
        model(X, given)
    result, full = module(X, given), model(X, torch.tensor([6, 6, 3]))
    torch.testing.assert_close(result, torch.cat((torch.zeros(1, 3), full[1:])))


def without_total_length(x, lengths, gru):
    return pad_packed_sequence(gru(packed(x, lengths))[0], batch_first=True)


def test_a_length_that_only_the_run_knows_is_refused_with_the_cure():
    before = nn.LSTM.forward, nn.GRU.forward, nn.RNN.forward
    with pytest.raises(UnsupportedError, match=r"(?s)test_packed_sequences.py:\d+.*total_length=x.shape\[1\]"):
        convert(Model(without_total_length, nn.GRU(4, 3)).eval(), [X, LENGTHS], build=False)
    assert (nn.LSTM.forward, nn.GRU.forward, nn.RNN.forward) == before


def test_rows_that_are_returned_are_refused():
    with pytest.raises(UnsupportedError, match="size depends on data"):
        convert(Model(lambda x, lengths: packed(x, lengths).data), [X, LENGTHS], build=False)


def test_sequences_that_were_packed_outside_are_refused():
    with pytest.raises(CaptureError, match=r"none of pack_padded_sequence; pack the padded batch inside"):
        convert(Model(lambda rows, _, gru: gru(rows)[1], nn.GRU(4, 3)).eval(), [packed(X, LENGTHS), X], build=False)


def test_a_total_length_that_is_an_input_is_not_taken_for_the_longest():
    def function(x, count, gru):
        total = count.item()
        torch._check(total >= 6)
        torch._check(total <= 9)
        rows = pack_padded_sequence(x, [5, 2, 2], batch_first=True)
        return pad_packed_sequence(gru(rows)[0], batch_first=True, total_length=total)[0]

    holds(Model(function, nn.GRU(4, 3)), [[X, torch.tensor(count)] for count in (7, 6, 9)])


def test_a_total_length_that_may_be_too_short_is_refused():
    def function(x, lengths, gru):
        return pad_packed_sequence(gru(packed(x, lengths))[0], batch_first=True, total_length=5)

    with pytest.raises(CaptureError, match=r"depends on the values of a tensor at test_packed_sequences.py:\d+"):
        convert(Model(function, nn.GRU(4, 3)).eval(), [X, LENGTHS], build=False)


def test_packs_that_are_loaded_while_another_thread_captures():
    class Claims:
        @hookimpl
        def torch2trt_register_converters(self, registry):
            registry.add(converter("torch.nn.GRU.forward")(lambda ctx, layer, input, hx=None: None))

    loaded = []

    def function(x, lengths, gru):
        thread = threading.Thread(target=lambda: loaded.append(Packs.load(extra=[Claims()])))
        thread.start()
        thread.join()
        return gru(packed(x, lengths))[1]

    explain(Model(function, nn.GRU(4, 3)).eval(), [X, LENGTHS])
    (call,) = explain(nn.GRU(4, 3), [X], packs=loaded[0])
    assert call.converter.pack.name == "Claims"
