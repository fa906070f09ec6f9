"""Do the networks compute what plain stacks of layers, and plain autograd, compute?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tabveil.synthesizers.engine.layout import Layout
from tabveil.synthesizers.engine.networks import MAX_PLAIN, RANK, Critic, Generator, NormedRectifier

LAYOUT = Layout((3, 2, 4), (0,), (3,), (2, 1))
PACS = pytest.mark.parametrize("pac", [1, 5])


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise_like(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=random(seed), dtype=torch.float64)


def conditions(n: int, layout: Layout = LAYOUT) -> Tensor:
    return torch.randint(layout.n_conditions, (n,), generator=random(7))


class PlainResidual(nn.Module):
    """The paper's residual layer: its output stands before its input."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.linear, self.norm = nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out)

    def forward(self, rows: Tensor) -> Tensor:
        return torch.cat([torch.relu(self.norm(self.linear(rows))), rows], dim=1)


def plain(generator: Generator, widths: Sequence[int], n_noise: int, n_cond: int) -> nn.Sequential:
    """A stack of linear layers, with the generator's weights copied into it."""
    layers: list[nn.Module] = []
    ends = [0, *itertools.accumulate([*widths, generator.bias.shape[0] - sum(widths)])]
    for i, (start, end) in enumerate(itertools.pairwise(ends)):
        # A later layer reads: the layers before it, latest first, then noise and condition.
        parts = [
            generator.from_hidden[j][:, start - ends[j + 1] : end - ends[j + 1]]
            for j in reversed(range(i))
        ]
        parts += [generator.from_noise[:, start:end], generator.from_condition[:, start:end]]
        weight = torch.cat(parts).T
        layer = PlainResidual(weight.shape[1], end - start) if i < len(widths) else None
        linear = layer.linear if layer else nn.Linear(weight.shape[1], end - start)
        (layer or linear).double()  # before the weights are copied: they are not to be rounded
        with torch.no_grad():
            linear.weight = nn.Parameter(weight.clone())
            linear.bias = nn.Parameter(generator.bias[start:end].clone())
            if layer:
                norm = generator.norms[i]
                assert isinstance(norm, NormedRectifier)
                layer.norm.weight.copy_(norm.weight)
                layer.norm.bias.copy_(norm.bias)
        layers.append(layer or linear)
    return nn.Sequential(*layers)


def generator_with_any_weights(widths: Sequence[int], n_cond: int, n_out: int = 10) -> Generator:
    torch.manual_seed(0)
    generator = Generator(6, widths, n_cond, n_out).double()
    with torch.no_grad():
        for norm in generator.norms:
            assert isinstance(norm, NormedRectifier)
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    return generator


@pytest.fixture(autouse=True)
def _global_state_is_given_back() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.parametrize("n_cond", [0, 5])
@pytest.mark.parametrize("widths", [(), (7,), (7, 4), (3, 8, 5)])
def test_the_generator_is_a_stack_of_linear_norm_and_rectifier(
    widths: tuple[int, ...], n_cond: int
) -> None:
    generator = generator_with_any_weights(widths, n_cond)
    stack = plain(generator, widths, 6, n_cond)
    noise = noise_like(40, 6)
    places = torch.randint(n_cond, (40,), generator=random(1)) if n_cond else None
    vector = functional.one_hot(places, n_cond).double() if n_cond else noise[:, :0]
    generator.train()
    raw = generator(noise, places)
    expected = stack(torch.cat([noise, vector], dim=1))
    torch.testing.assert_close(raw, expected)
    # And its gradients are those of the stack.
    weights = noise_like(*raw.shape, seed=3)
    (raw * weights).sum().backward()
    (expected * weights).sum().backward()
    last = stack[-1]
    assert isinstance(last, nn.Linear)
    torch.testing.assert_close(generator.bias.grad[-10:], last.bias.grad)
    if widths:
        first = stack[0]
        assert isinstance(first, PlainResidual)
        by_noise = first.linear.weight.grad[:, :6].T
        torch.testing.assert_close(generator.from_noise.grad[:, : widths[0]], by_noise)
        torch.testing.assert_close(generator.norms[0].weight.grad, first.norm.weight.grad)


def test_weights_are_drawn_as_in_a_stack_of_linear_layers() -> None:
    generator = Generator(100, (64, 32), 20, 50)
    fan_ins = {0: 120, 64: 184, 96: 216}
    for (start, fan_in), end in zip(fan_ins.items(), (64, 96, 146), strict=True):
        part = generator.from_noise.detach()[:, start:end]
        bound = fan_in**-0.5
        assert part.abs().max() <= bound
        assert part.abs().max() > 0.98 * bound
        assert float(part.mean()) == pytest.approx(0, abs=0.05 * bound)


def test_many_conditions_cost_weights_in_proportion_and_start_as_plain_ones_do() -> None:
    plain_one, embedded = (Generator(8, (32,), n, n) for n in (MAX_PLAIN, MAX_PLAIN + 1))
    sizes = [sum(p.numel() for p in made.parameters()) for made in (plain_one, embedded)]
    assert sizes[1] < 0.2 * sizes[0]
    assert embedded.from_embedding is not None
    named = (embedded.from_condition @ embedded.from_embedding).detach()
    for weights, fan_in in ((named, 8 + RANK), (plain_one.from_condition, 8 + MAX_PLAIN)):
        own = weights[:, :32].detach()  # of the first layer
        assert float(own.std()) == pytest.approx((3 * fan_in) ** -0.5, rel=0.1)


@pytest.mark.parametrize("n", [2, 3, 50])
def test_normalisation_and_its_gradient_are_torchs(n: int) -> None:
    ours, theirs = NormedRectifier(4).double(), nn.BatchNorm1d(4).double()
    with torch.no_grad():
        for one, other in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
            one.copy_(noise_like(4, seed=len(one)) + 0.5)
            other.copy_(one)
    rows = (3 + 2 * noise_like(n, 4)).requires_grad_()
    again = rows.detach().clone().requires_grad_()
    got, expected = ours(rows), torch.relu(theirs(again))
    torch.testing.assert_close(got, expected)
    weights = noise_like(n, 4, seed=5)
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(rows.grad, again.grad)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.bias.grad, theirs.bias.grad)


def test_with_fixed_statistics_a_row_depends_on_no_other_as_in_the_evaluated_stack() -> None:
    generator = generator_with_any_weights((7, 4), 5)
    stack = plain(generator, (7, 4), 6, 5)
    noise, places = noise_like(300, 6), torch.randint(5, (300,), generator=random())
    inputs = torch.cat([noise, functional.one_hot(places, 5).double()], dim=1)
    stack(inputs)  # leaves running statistics, a tenth of the way from 0 and 1
    with torch.no_grad():
        for norm, layer in zip(generator.norms, stack[:-1], strict=True):
            assert isinstance(norm, NormedRectifier)
            norm.mean.copy_(layer.norm.running_mean)
            norm.variance.copy_(layer.norm.running_var)
    together = generator.eval()(noise, places)
    torch.testing.assert_close(together, stack.eval()(inputs))
    torch.testing.assert_close(generator(noise[3:4], places[3:4]), together[3:4])


@PACS
def test_a_real_row_is_its_one_hot_vector_times_the_weights(pac: int) -> None:
    critic = Critic(LAYOUT, (6,), pac, dropout=0.0).double()
    codes, scalars = rows_of(4 * pac)
    got = critic.of_real(codes, scalars)
    assert got.shape == (4, 6)
    torch.testing.assert_close(got, dense(codes, scalars).view(4, -1) @ critic.from_row)


@PACS
@pytest.mark.parametrize("widths", [(6,), (6, 5)])
def test_real_and_one_hot_generated_rows_are_judged_alike(
    pac: int, widths: tuple[int, ...]
) -> None:
    critic = Critic(LAYOUT, widths, pac, dropout=0.0).double()
    codes, scalars = rows_of(4 * pac)
    places = conditions(4 * pac)
    named = critic.of_condition(places)
    real = critic.judge(critic.of_real(codes, scalars) + named, None)
    fake = critic.judge(critic.of_fake(dense(codes, scalars)) + named, None)
    torch.testing.assert_close(real, fake)
    one_hot = functional.one_hot(places, LAYOUT.n_conditions).double()
    whole = (dense(codes, scalars).view(4, -1), one_hot.view(4, -1))
    torch.testing.assert_close(real, plain_judge(critic, *whole))


@PACS
def test_a_row_packed_with_copies_of_itself_is_judged_as_such(pac: int) -> None:
    critic = Critic(LAYOUT, (6, 5), pac, dropout=0.0).double()
    codes, scalars = rows_of(3)
    places = conditions(3)
    copies = [part.repeat_interleave(pac, dim=0) for part in (codes, scalars, places)]
    expected = critic.of_real(copies[0], copies[1]) + critic.of_condition(copies[2])
    got = critic.of_same(codes, scalars) + critic.of_same_condition(places)
    torch.testing.assert_close(got, expected)


def test_an_unknown_code_adds_nothing() -> None:
    critic = Critic(LAYOUT, (6,), 2, dropout=0.0).double()
    codes, scalars = rows_of(3)
    codes[:, 1] = -1
    rows = dense(codes.clamp(min=0), scalars)
    rows[:, int(LAYOUT.starts[1])] = 0
    packed = rows.repeat_interleave(2, dim=0)
    torch.testing.assert_close(critic.of_same(codes, scalars), critic.of_fake(packed) + critic.bias)


def test_without_conditions_the_critic_reads_rows_alone() -> None:
    layout = Layout((3, 2, 4), (0,), (3,), ())
    critic = Critic(layout, (6,), 1, dropout=0.0).double()
    codes, scalars = rows_of(3)
    scores = critic.judge(critic.of_real(codes, scalars) + critic.of_condition(None), None)
    assert scores.shape == (3,)
    assert torch.isfinite(critic.penalty(critic.of_real(codes, scalars), random()))


@PACS
@pytest.mark.parametrize("widths", [(6,), (6, 5), (6, 5, 4)])
@pytest.mark.parametrize("conditional", [(2, 1), ()])
def test_the_penalty_is_that_of_plain_double_differentiation(
    pac: int, widths: tuple[int, ...], conditional: tuple[int, ...]
) -> None:
    layout = Layout((3, 2, 4), (0,), (3,), conditional)
    torch.manual_seed(0)
    critic = Critic(layout, widths, pac, dropout=0.0).double()
    n = 8
    rows = torch.rand(n, pac * layout.n_outputs, generator=random(), dtype=torch.float64)
    named = torch.zeros(n, pac * layout.n_conditions, dtype=torch.float64)
    if conditional:
        places = conditions(n * pac, layout)
        named = functional.one_hot(places, layout.n_conditions).double().view(n, -1)
    rows.requires_grad_()
    named.requires_grad_()
    scores = plain_judge(critic, rows, named)
    flows = torch.autograd.grad(scores.sum(), [rows, named], create_graph=True)
    norms = torch.cat(flows, dim=1).norm(dim=1)
    expected = ((norms - 1) ** 2).mean()

    first = rows @ critic.from_row + named @ critic.from_condition + critic.bias
    got = critic.penalty(first.detach(), random())
    torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-10)
    parameters = list(critic.parameters())
    one, other = (
        torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        for loss in (got, expected)
    )
    for mine, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-8)


def test_the_penalty_meets_dropout_as_the_scores_do() -> None:
    """Same random numbers, same hidden outputs left out: the gradient is of those scores."""
    critic = Critic(LAYOUT, (64, 32), 1, dropout=0.5).double()
    rows = torch.rand(6, LAYOUT.n_outputs, generator=random(), dtype=torch.float64)
    rows.requires_grad_()
    scores = critic.judge(critic.of_fake(rows) + critic.bias, random(3))
    (by_row,) = torch.autograd.grad(scores.sum(), rows)
    with torch.no_grad():
        critic.from_condition.zero_()
    got = critic.penalty((critic.of_fake(rows) + critic.bias).detach(), random(3))
    torch.testing.assert_close(got, ((by_row.norm(dim=1) - 1) ** 2).mean())


def test_dropout_leaves_out_its_share_and_makes_up_for_it() -> None:
    critic = Critic(LAYOUT, (2000,), 1, dropout=0.25).double()
    with torch.no_grad():
        critic.rest[0].weight.fill_(1 / 2000)  # type: ignore[union-attr, operator]
        critic.rest[0].bias.zero_()  # type: ignore[union-attr, operator]
    scores = critic.judge(torch.ones(5, 2000, dtype=torch.float64), random())
    torch.testing.assert_close(scores, torch.ones(5, dtype=torch.float64), rtol=0.06, atol=0)
    assert len(set(scores.tolist())) == 5


def rows_of(n: int) -> tuple[Tensor, Tensor]:
    """Codes and scalars of some rows."""
    codes = [torch.randint(w, (n,), generator=random(w)) for w in LAYOUT.widths]
    scalars = torch.rand(n, LAYOUT.n_scalars, generator=random(9), dtype=torch.float64) - 0.5
    return torch.stack(codes, dim=1), scalars


def dense(codes: Tensor, scalars: Tensor) -> Tensor:
    """Rows with their codes one-hot, shape (n, n_outputs)."""
    rows = torch.zeros(len(codes), LAYOUT.n_outputs, dtype=torch.float64)
    rows[:, : LAYOUT.n_scalars] = scalars
    return rows.scatter(1, codes + torch.from_numpy(LAYOUT.starts), 1.0)


def plain_judge(critic: Critic, rows: Tensor, named: Tensor) -> Tensor:
    """Linear, leaky rectifier, linear, ... on dense inputs."""
    hidden = torch.cat([rows, named], dim=1)
    hidden = hidden @ torch.cat([critic.from_row, critic.from_condition]) + critic.bias
    for layer in critic.rest:
        hidden = layer(functional.leaky_relu(hidden, 0.2))
    return hidden[:, 0]
