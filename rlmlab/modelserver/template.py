"""How a conversation is written down for a base model: as a plain transcript, which it continues.

The weights have no chat template of their own. Measured on the demo's tasks with eight worked examples, this one works;
a reply ends where the model begins to write the next `USER:` line.
"""

STOP = ("USER:", "ASSISTANT:")

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message.role == 'system' -%}{{ message.content + '\\n\\n' }}"
    "{%- elif message.role == 'user' -%}{{ 'USER: ' + message.content.split('\\n\\n[Budget left:')[0] + '\\n' }}"
    "{%- else -%}{{ 'ASSISTANT: ' + message.content + '\\n' }}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%}"
)
