"""What converted modules draw: distributed as PyTorch's numbers, anew at every call, independent of each other.

The bounds are such that one sample in a million is beyond; on the interpreter the seed is fixed besides.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import distributions as D
from torch2trt import CaptureError, convert, explain

COUNT = 20_000
#: the Kolmogorov-Smirnov distance that one sample of COUNT numbers in a million exceeds
FAR = 2.7 / math.sqrt(COUNT)
#: and the standard deviations that an average does
SIGMAS = 5
X = torch.zeros(COUNT)
LOGITS = torch.tensor([0.5, 0.0, 2.0, 1.0]).log()

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="an engine needs an NVIDIA GPU")]


@pytest.fixture(params=["reference", pytest.param("engine", marks=gpu)])
def converted(request):
    """Converts a function to one of the same inputs that is run by either runtime."""
    on_gpu = request.param == "engine"

    def convert_it(model, *inputs):
        module = convert(model, list(inputs), random="engine", runtime=request.param, build=on_gpu)
        return lambda *xs: module(*[x.cuda() for x in xs]).cpu() if on_gpu else module(*xs)

    return convert_it


def distance(sample, cdf):
    """The Kolmogorov-Smirnov distance of a sample from a distribution."""
    values = sample.double().flatten().sort()[0]
    steps = torch.arange(len(values) + 1, dtype=torch.float64) / len(values)
    expected = cdf(values)
    return torch.maximum((steps[1:] - expected).abs(), (expected - steps[:-1]).abs()).max().item()


CONTINUOUS = {
    "rand": (lambda x: torch.rand_like(x), D.Uniform(0.0, 1.0)),
    "rand of a size": (lambda x: torch.rand(x.shape[0]), D.Uniform(0.0, 1.0)),
    "randn": (lambda x: torch.randn_like(x), D.Normal(0.0, 1.0)),
    "normal of tensors": (lambda x: torch.normal(x + 3, x + 0.5), D.Normal(3.0, 0.5)),
    "normal of a tensor": (lambda x: torch.normal(x + 3, 0.5), D.Normal(3.0, 0.5)),
    "normal_": (lambda x: x.clone().normal_(-1, 2), D.Normal(-1.0, 2.0)),
    "uniform_": (lambda x: x.clone().uniform_(-2, 3), D.Uniform(-2.0, 3.0)),
    "exponential_": (lambda x: x.clone().exponential_(2.5), D.Exponential(2.5)),
    "cauchy_": (lambda x: x.clone().cauchy_(1, 2), D.Cauchy(1.0, 2.0)),
    "log_normal_": (lambda x: x.clone().log_normal_(0.5, 0.7), D.LogNormal(0.5, 0.7)),
    "rrelu": (lambda x: F.rrelu(x - 1, 0.2, 0.6, training=True), D.Uniform(-0.6, -0.2)),
    "a sample of Normal": (
        lambda x: D.Normal(x + 1, x + 2, validate_args=False).rsample(),
        D.Normal(1.0, 2.0),
    ),
    "a sample of Laplace": (
        lambda x: D.Laplace(x + 1, x + 2, validate_args=False).rsample(),
        D.Laplace(1.0, 2.0),
    ),
    "a sample of Gumbel": (
        lambda x: D.Gumbel(x + 1, x + 2, validate_args=False).rsample(),
        D.Gumbel(1.0, 2.0),
    ),
}


def cdf_of(distribution):
    """Its distribution function, also beyond its support."""
    return lambda values: type(distribution)(
        *[getattr(distribution, name).double() for name in distribution.arg_constraints], validate_args=False
    ).cdf(values)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_numbers_are_distributed_as_pytorchs(name, converted):
    model, distribution = CONTINUOUS[name]
    module = converted(model, X)
    first, second = module(X), module(X)
    for sample in (first, second):
        assert distance(sample, cdf_of(distribution)) < FAR
    # what is drawn is drawn anew, and independent of the call before
    ranks = [sample.argsort().argsort().double() for sample in (first, second)]
    assert torch.corrcoef(torch.stack(ranks))[0, 1].abs() < SIGMAS / math.sqrt(COUNT)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_drawn_from_the_numbers_that_pytorch_draws_from(dtype, converted):
    digits = {torch.float16: 11, torch.bfloat16: 8}[dtype]
    x = X.to(dtype)
    drawn = converted(lambda x: torch.rand_like(x), x)(x)
    assert drawn.dtype is dtype
    scaled = drawn.double() * 2**digits
    assert torch.equal(scaled, scaled.round())
    assert scaled.max() < 2**digits
    assert distance(drawn + 0.5 / 2**digits, cdf_of(D.Uniform(0.0, 1.0))) < FAR + 2.0**-digits


DISCRETE = {
    "bernoulli": (lambda x: torch.bernoulli(x + 0.3), [0.7, 0.3]),
    "bernoulli of a number": (lambda x: torch.bernoulli(x, 0.3), [0.7, 0.3]),
    "bernoulli_": (lambda x: x.clone().bernoulli_(x + 0.3), [0.7, 0.3]),
    "dropout": (lambda x: F.dropout(x + 1, 0.25, training=True) * 0.75, [0.25, 0.75]),
    "dropout2d": (lambda x: F.dropout2d(x.view(1, -1, 1, 1) + 1, 0.25, training=True) * 0.75, [0.25, 0.75]),
    "randint": (lambda x: torch.randint_like(x, 5), [0.2] * 5),
    "randint from": (lambda x: torch.randint(-3, 2, (x.shape[0],)) + 3, [0.2] * 5),
    "randint of many": (lambda x: torch.randint_like(x, 3_000_000).div(600_000, rounding_mode="floor"), [0.2] * 5),
    "random_": (lambda x: x.clone().random_(4), [0.25] * 4),
    "geometric_": (lambda x: x.clone().geometric_(0.3).minimum(x + 3) - 1, [0.3, 0.21, 0.49]),
    "multinomial": (
        lambda x: torch.multinomial(LOGITS.exp().expand(len(x), 4), 1),
        [0.5 / 3.5, 0, 2 / 3.5, 1 / 3.5],
    ),
    "multinomial replaced": (
        lambda x: torch.multinomial(LOGITS.exp(), len(x), replacement=True),
        [0.5 / 3.5, 0, 2 / 3.5, 1 / 3.5],
    ),
    "the second without replacement": (
        lambda x: torch.multinomial(torch.tensor([1.0, 2.0]).expand(len(x), 2), 2)[:, 1],
        [2 / 3, 1 / 3],
    ),
    "Gumbel softmax": (
        lambda x: F.gumbel_softmax(LOGITS.exp().log().expand(len(x), 4), hard=True).argmax(1),
        [0.5 / 3.5, 0, 2 / 3.5, 1 / 3.5],
    ),
    "a sample of Categorical": (
        lambda x: D.Categorical(LOGITS.exp().expand(len(x), 4), validate_args=False).sample(),
        [0.5 / 3.5, 0, 2 / 3.5, 1 / 3.5],
    ),
    "the first of a permutation": (
        lambda x: torch.stack([torch.randperm(3)[0] for _ in range(40)]) + x[0].long(),
        [1 / 3] * 3,
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_whole_numbers_are_as_frequent_as_pytorchs(name, converted):
    model, probabilities = DISCRETE[name]
    sample = converted(model, X)(X).double().flatten()
    assert set(sample.round(decimals=4).tolist()) <= set(range(len(probabilities)))
    for value, probability in enumerate(probabilities):
        share = (sample.round() == value).double().mean().item()
        assert abs(share - probability) <= SIGMAS * math.sqrt(probability * (1 - probability) / len(sample))


def test_two_layers_draw_independent_numbers(converted):
    """Were they seeded alike, they would draw the same ones."""
    both = converted(lambda x: torch.stack([torch.rand_like(x), torch.rand_like(x), torch.randn_like(x)]), X)(X)
    correlation = torch.corrcoef(both).fill_diagonal_(0)
    assert correlation.abs().max() < SIGMAS / math.sqrt(COUNT)


def test_neighbors_are_independent(converted):
    drawn = converted(lambda x: torch.rand_like(x), X)(X) - 0.5
    assert (drawn[1:] * drawn[:-1]).mean().abs() < SIGMAS / 12 / math.sqrt(COUNT)


def test_what_dropout_keeps_is_scaled_and_what_it_drops_of_infinity_is_nan(converted):
    x = torch.full((1000,), torch.inf)
    kept = converted(lambda x: F.dropout(x, 0.5, training=True), x)(x)
    assert kept.isinf().any()
    assert (kept.isinf() | kept.isnan()).all()
    none = converted(lambda x: F.dropout(x, 1.0, training=True), X + 1)(X + 1)
    assert torch.equal(none, X)


@pytest.mark.parametrize("draw", [lambda x, g: torch.rand(4, generator=g), lambda x, g: x.bernoulli(0.5, generator=g)])
def test_a_generator_of_the_models_own_is_declined(draw):
    generator = torch.Generator()
    try:
        plan = explain(lambda x: x + draw(x, generator), [torch.ones(4)], build=False, runtime="reference")
        said = str([planned.reasons for planned in plan])
    except CaptureError as error:  # PyTorch 2.11 cannot trace it
        said = str(error)
    assert "has no torch.Generator" in said
