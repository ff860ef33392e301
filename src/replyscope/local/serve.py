"""The child process that runs the engine: `python -m replyscope.local.serve`.

It reads its configuration as one line of JSON from standard input, so that the key is not in
the process list, and prints READY and its address. It exits when standard input closes, also
when its parent is killed.
"""

import json
import sys


def main() -> None:
    """Serve until standard input closes."""
    config = json.loads(sys.stdin.readline())
    import xllamacpp  # only in this process, because the engine logs and may crash

    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    params.port = 0
    params.n_ctx, params.n_parallel = config["context"], 2
    # A small batch, so that cancelling during prefill stops within a second.
    params.n_batch, params.cache_ram_mib = 128, 256
    params.cpuparams.n_threads = config["threads"]
    params.cpuparams_batch.n_threads = config["threads"]
    params.api_keys = [config["key"]]
    params.model_alias = {config["alias"]}
    params.cors_origins, params.cors_origins_explicit = "http://127.0.0.1", True
    params.ui = params.endpoint_slots = False
    if config.get("template"):
        params.chat_template = config["template"]
    server = xllamacpp.Server(params)
    print("READY", server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
