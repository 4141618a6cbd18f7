"""The words around a summary that stands for a level's earlier turns."""

REQUEST = """\
[This conversation has grown long. Your turns so far will be replaced by a summary that you write now, for yourself: \
the next thing you read after the task will be that summary. Write down
- what you found: facts, figures, exact names and quotes, with where they stand in `context`;
- which variables in the REPL hold what, and which functions you defined;
- what you tried that did not work, and why;
- what is still to do, step by step.
Reply with the summary alone: at most 600 words, no code block, no answer to the task. Nothing is run.]"""
CUT = "\n[… the summary was cut at the output limit]"


def told(summary: str, *, cut: bool) -> str:
    """Put a summary into the words that stand in the conversation in place of the turns."""
    return (
        "[Your earlier turns are not shown any more. You summed them up:]\n\n"
        f"{summary.strip()}{CUT if cut else ''}\n\n"
        "[The variables they made are still in the REPL. `history()` returns every message of this conversation, as a "
        "list of dicts {role, content}: search it with code for what the summary lacks.]"
    )
