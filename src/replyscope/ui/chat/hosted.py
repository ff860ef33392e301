"""Hosted tools, which a provider runs itself: name and JSON definition (Responses only)."""

HOSTED = {
    "web search": '{"type":"web_search"}',
    "code interpreter": '{"type":"code_interpreter","container":{"type":"auto"}}',
    "image generation": '{"type":"image_generation"}',
}
