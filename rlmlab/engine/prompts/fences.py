"""Shows foreign text inside a prompt as data: nothing in it can pass for a turn of the conversation or end its fence.

Chat templates delimit roles by markers (ChatML `<|im_start|>`, Llama 2 `[INST]`, `<<SYS>>`, Gemma `<start_of_turn>`,
DeepSeek's full-width bars); base models know roles as `USER:` at the start of a line. A text that contains them could
pass for a turn of its own.
"""

import re

LEAST_FENCE = 4
LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BARS = re.compile("<[|\uff5c]|[|\uff5c]>")
TAGS = re.compile(
    r"<(/?(?:s|bos|eos|unk|pad|mask|start_of_turn|end_of_turn|system|user|assistant|tool_call|tool_response|think))>",
    re.IGNORECASE,
)
LLAMA_SYSTEM = re.compile(r"<<(/?SYS)>>", re.IGNORECASE)
BRACKETS = re.compile(
    r"\[(/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT))\]", re.IGNORECASE
)
ROLES = re.compile(
    r"^([ \t>#*_]*)(system|user|assistant|human|ai|bot|developer|tool|instruction|response)([ \t*_]*[:\uff1a])",
    re.IGNORECASE | re.MULTILINE,
)
FENCES = re.compile(r"`{3,}|~{3,}")
TILDES = re.compile(r"~{3,}")


def neutral(text: str) -> str:
    """Return the text without anything that a chat template or a reader takes for a turn; the words stay readable.

    Neutralising twice changes nothing more.
    """
    text = LINE_ENDS.sub("\n", text)
    text = BARS.sub(lambda found: "{¦" if found[0][0] == "<" else "¦}", text)
    text = LLAMA_SYSTEM.sub(r"{{\1}}", text)
    text = TAGS.sub(r"{\1}", text)
    text = BRACKETS.sub(r"(\1)", text)
    return ROLES.sub(r"\1(\2)\3", text)


def unfenced(text: str) -> str:
    """Return the text with its code fences broken: runs of three and more backticks or tildes become two."""
    return FENCES.sub(lambda run: run[0][:2], text)


def fenced(text: str) -> str:
    """Put a text between fences that nothing in it can close (CommonMark 0.31: a longer run than any inside)."""
    text = neutral(text)
    longest = max((len(run) for run in TILDES.findall(text)), default=0)
    fence = "~" * max(LEAST_FENCE, longest + 1)
    return f"{fence}\n{text}\n{fence}"
