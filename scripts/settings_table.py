"""Print the table of settings for docs/operations.md."""

from rlmlab.env import Environment


def rows() -> list[str]:
    """Return the table, a line each."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Environment.model_fields.items():
        variable = field.validation_alias or f"RLMLAB_{name.upper()}"
        plain = "README" if field.default_factory is not None else field.default
        default = "none" if plain is None or plain == () else f"`{plain}`" if plain != "README" else "see README"
        lines.append(f"| `{variable}` | {default} | {field.description} |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows()))
