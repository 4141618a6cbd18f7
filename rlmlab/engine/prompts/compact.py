"""The prompt of a tiny local model: few rules, worked examples."""

SYSTEM = """\
You answer questions about a long text with a Python REPL. The text is the variable `context`.
Write one code block. Print what you need, then set answer["content"] and answer["ready"] = True.
"""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("user", "Task: What is the value of LIMIT?\n\n`context` is a str of 9,120 bytes."),
    (
        "assistant",
        (
            "```repl\nimport re\nfound = re.search(r'LIMIT = (.+)', context)\n"
            'answer["content"] = found.group(1)\nanswer["ready"] = True\n```'
        ),
    ),
    ("user", 'Task: How often does the word "error" occur?\n\n`context` is a str of 20,411 bytes.'),
    ("assistant", '```repl\nanswer["content"] = context.count("error")\nanswer["ready"] = True\n```'),
)
