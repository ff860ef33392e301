"""Tools that a provider runs itself, each as the JSON that asks for it (Responses only)."""

HOSTED = {
    "web search": '{"type":"web_search"}',
    "code interpreter": '{"type":"code_interpreter","container":{"type":"auto"}}',
    "image generation": '{"type":"image_generation"}',
}
