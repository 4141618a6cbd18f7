"""How a run works, and which model answers at which depth.

`direct` is one plain call with the whole input, `repl` a REPL without sub-calls, `rlm` the whole tree. What `auto`
means is decided before a run starts (`trajectories.modes`), so that the engine never sees it.
"""

from dataclasses import replace

from rlmlab.engine.direct import Direct
from rlmlab.engine.level import Level
from rlmlab.engine.spans import OpenSpan
from rlmlab.engine.tree import LevelSpec, Tree
from rlmlab.engine.types import RunSpec


def narrowed(spec: RunSpec) -> RunSpec:
    """Return the request as its mode leaves it: without sub-calls there is neither depth nor another model."""
    spec = replace(spec, model=spec.model_at(0))
    if spec.mode == "rlm":
        return spec
    budget = replace(spec.budget, max_depth=0, max_sub_calls=0)
    return replace(spec, budget=budget, sub_model=None, depth_models=())


def models_of(spec: RunSpec) -> tuple[str, ...]:
    """Name the models that a run may ask of its own accord, the root's first."""
    named = (spec.model_at(0), spec.sub_model, *spec.depth_models)
    return tuple(dict.fromkeys(model for model in named if model))


def working(tree: Tree, root: LevelSpec, span: OpenSpan) -> Level | Direct:
    """Return what does the root's work in the run's mode."""
    return Direct(tree, root, span) if tree.spec.mode == "direct" else Level(tree, root, span)
