"""One cell through a real Trainer: exact to the step, resumed as if it had never stopped, branched off as if it had gone alone."""

import pytest

from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.run_folder import Session, Stopped, exists
from lightning_scaling.ladder.status import recorded
from lightning_scaling.ladder.training import train_cell

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("one_thread")]


def trained(design, cell, **more):
    train_cell(design, cell, Session(), **more)
    return recorded(design)[cell.id]


@pytest.fixture(scope="module")
def trunk(tmp_path_factory, tiny, one_thread):
    """The design, and the record of its longest cell, trained with checkpoints for the branches."""
    design = read_design(tiny(tmp_path_factory.mktemp("trunk")))
    chain = next(chain for chain in design.chains if chain.branch_steps)
    return design, chain, trained(design, chain.cells[0], branches=chain.branch_steps)


def test_a_cell_ends_finished_in_the_store_under_its_own_id(trunk):
    _, chain, record = trunk
    assert (record.key, record.state.name, record.name) == (chain.cells[0].id, "FINISHED", "w8 60 steps")
    assert record.extra["ladder"] == "tiny"
    assert record.conventions.tokenizer == "bytes"


def test_its_budget_is_exact_to_the_step(trunk):
    _, chain, record = trunk
    assert record.tokens_trained == chain.cells[0].tokens == 60 * 64
    assert record.flops_spent == 6 * (256 * 8 + 12 * 64) * 60 * 64


def test_its_last_step_validates_whatever_the_interval(trunk, tmp_path, tiny):
    design = read_design(tiny(tmp_path, evaluations=7))
    record = trained(design, design.cells[3])
    assert record.curve.tokens.tolist() == [64.0 * step for step in (*range(5, 40, 5), 40)]


def test_a_branch_ends_where_a_run_of_its_own_would_have(trunk, tmp_path, tiny):
    design, chain, _ = trunk
    branch = chain.cells[1]
    assert branch.branch_step == 40
    alone = read_design(tiny(tmp_path, cells=[{"runs": [{"width": 8, "depth": 1, "context": 32, "steps": branch.steps}]}]))
    own, expected = trained(design, branch), trained(alone, alone.cells[0])
    assert own.loss == expected.loss
    assert own.tokens_trained == expected.tokens_trained
    assert own.flops_spent == expected.flops_spent
    assert (own.extra["shared_tokens"], expected.extra["shared_tokens"]) == (40 * 64, 0)


def test_a_branch_is_a_run_of_its_own(trunk):
    design, chain, record = trunk
    branch = trained(design, chain.cells[2])
    assert branch.key != record.key
    assert all(prediction.at == chain.cells[2].tokens for prediction in branch.predictions)


def test_a_stopped_cell_resumes_from_a_checkpoint_that_fsspec_reaches_and_ends_in_the_very_same_loss(tmp_path, tiny):
    straight = read_design(tiny(tmp_path / "straight"))
    resumed = read_design({**tiny(tmp_path / "resumed"), "folder": f"memory://ladder-{tmp_path.name}"})
    cell, seen = resumed.cells[3], []
    with pytest.raises(Stopped):
        train_cell(resumed, cell, Session(lambda _, step: seen.append(step), lambda: seen[-1] == 21))
    assert exists(resumed.checkpoint(cell))
    train_cell(resumed, cell, Session(lambda _, step: seen.append(step)))
    assert seen == list(range(1, cell.steps + 1))
    assert not exists(resumed.checkpoint(cell))
    assert recorded(resumed)[cell.id].curve.loss.tolist() == trained(straight, straight.cells[3]).curve.loss.tolist()


def test_a_batch_of_another_size_than_the_design_states_is_refused(tmp_path, tiny, monkeypatch):
    from lightning_scaling.ladder import tiny_gpt

    def twice(cell, **arguments):
        from dataclasses import replace

        return tiny_gpt.build(replace(cell, batch_tokens=2 * cell.batch_tokens), **arguments)

    monkeypatch.setattr(tiny_gpt, "twice", twice, raising=False)
    design = read_design(
        tiny(
            tmp_path,
            builder="lightning_scaling.ladder.tiny_gpt:twice",
            cells=[{"runs": [{"params": 2816, "width": 8, "depth": 1, "context": 32, "steps": 10}]}],
        )
    )
    with pytest.raises(ValueError, match="counts 128 tokens, its batch_tokens are 64"):
        train_cell(design, design.cells[0], Session())
