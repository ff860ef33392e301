"""The folders replyscope uses: the platform's own, or one that was named."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Paths:
    """`data` holds sessions and models, `config` what people write, `logs` debug logs."""

    data: Path
    config: Path
    logs: Path

    @property
    def database(self) -> Path:
        """The sessions."""
        return self.data / "sessions.db"

    @property
    def models(self) -> Path:
        """Weights of the embedded models."""
        return self.data / "models"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.config / "settings.toml"

    @property
    def tools(self) -> Path:
        """The person's own functions."""
        return self.config / "tools"

    @property
    def mcp(self) -> Path:
        """Tool servers, in the form that other programs write."""
        return self.config / "mcp.json"

    @property
    def kept_files(self) -> Path:
        """Binary results of tools."""
        return self.data / "files"

    @property
    def server_folders(self) -> Path:
        """Where tool servers run that name no folder."""
        return self.data / "servers"

    @property
    def themes(self) -> Path:
        """The person's own themes."""
        return self.config / "themes"


def make_private(folder: Path) -> None:
    """Create a folder, and every parent it lacks, for its owner only. Raises OSError."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def find_paths(data_dir: str | None = None) -> Paths:
    """The folders; `data_dir` or REPLYSCOPE_DATA_DIR moves the data and the logs."""
    named = data_dir or os.environ.get("REPLYSCOPE_DATA_DIR")
    config = os.environ.get("REPLYSCOPE_CONFIG_DIR")
    data = Path(named).expanduser() if named else Path(platformdirs.user_data_dir("replyscope"))
    return Paths(
        data=data.absolute(),
        config=Path(config).expanduser().absolute()
        if config
        else Path(platformdirs.user_config_dir("replyscope")),
        logs=data.absolute() / "logs" if named else Path(platformdirs.user_log_dir("replyscope")),
    )
