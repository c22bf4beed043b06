"""A task of lighteval over `questions/test.jsonl` in the working directory, cloze, with examples of `questions/dev.jsonl`."""

from lighteval.metrics.dynamic_metrics import LogLikelihoodAccMetric, NormalizedMultiChoiceProbMetric
from lighteval.metrics.metrics import Metrics
from lighteval.metrics.normalizations import LogProbCharNorm
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc


def prompt(line: dict, task_name: str = "") -> Doc:
    """A row as lighteval sees it: choices carry the space before them."""
    return Doc(
        task_name=task_name,
        query=f"Question: {line['question']}\nAnswer:",
        choices=[f" {choice}" for choice in line["choices"]],
        gold_index=line["answer"],
    )


TASKS_TABLE = [
    LightevalTaskConfig(
        name="ladder_science",
        prompt_function=prompt,
        hf_repo="questions",
        hf_subset="default",
        hf_avail_splits=["test"],
        evaluation_splits=["test"],
        few_shots_split="test",
        metrics=[
            Metrics.loglikelihood_acc,
            LogLikelihoodAccMetric(normalization=LogProbCharNorm(ignore_first_space=True)),
            NormalizedMultiChoiceProbMetric(),
        ],
    )
]
