"""What the audit log says about this app's actions."""

from typing import Final

from rlmlab.audit import presenters

SENTENCES: Final = {
    "cache.empty": "emptied the cache of sub-calls: {answers} answers",
    "dataset.add_items": "added items to the dataset {name}: {items}",
    "dataset.create": "made the dataset {name}",
    "dataset.retire_item": "retired item {number} of the dataset {dataset}",
    "demo.settle": "checked the answer of the demo run “{title}” (right: {passed})",
    "example.create": "made an example of a {kind} run",
    "example.retire": "retired an example",
    "experiment.cancel": "stopped {runs} runs of the experiment “{name}”",
    "experiment.create": "started the experiment “{name}”: {runs} runs on the dataset {dataset}",
    "file.create": "stored the file {name} ({size} bytes)",
    "prompt.create_version": "wrote v{version} of the prompt {prompt}",
    "prompt.delete_label": "deleted the label {label} of the prompt {prompt}",
    "prompt.move_label": "moved the label {label} of the prompt {prompt} to v{version}",
    "run.cancel": "stopped the run “{title}”",
    "run.continue": "let the run “{title}” go on where a limit stopped it",
    "run.create": "started the run “{title}” on {model}",
    "run.fork": "forked the run “{title}” at event {at_seq}",
    "run.pause": "paused the run “{title}”",
    "run.rate": "rated a run in the dimension {dimension}: {value}",
    "run.rename": "renamed a run to “{title}”",
    "run.resume": "let the run “{title}” go on",
    "run.retry": "retried the run “{title}” from its last good step",
    "run.tag": "changed the tags of the run “{title}”",
    "run.withdraw_rating": "took back a rating in the dimension {dimension}",
}


def register_all() -> None:
    """Make the audit log know them."""
    for action, sentence in SENTENCES.items():
        presenters.register(action, sentence)
